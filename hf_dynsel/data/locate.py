"""Finds the folder of a data set that a system package installs."""

import os
from pathlib import Path

VARIABLE = "HF_DYNSEL_DATA"


def locate(name: str, standard: Path, remedy: str) -> Path:
    """Returns the folder `name` below `$HF_DYNSEL_DATA` if it is there, else the standard one.

    Args:
        name: the folder's name below `$HF_DYNSEL_DATA`.
        standard: where the system package puts it.
        remedy: how to get the data, for the error.

    Raises:
        FileNotFoundError: if neither folder exists.
    """
    places = [standard]
    if os.environ.get(VARIABLE):
        places.insert(0, Path(os.environ[VARIABLE]) / name)
    for place in places:
        if place.is_dir():
            return place
    looked = ", ".join(map(str, places))
    raise FileNotFoundError(
        f"found no folder with {name} (looked for: {looked}); {remedy}, "
        f"or pass folder=, or set {VARIABLE} to the folder that holds '{name}'"
    )
