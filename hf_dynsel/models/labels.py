"""Class names as a transformers configuration holds them."""

from collections.abc import Sequence
from typing import Any


def label_maps(names: Sequence[str]) -> dict[str, Any]:
    """Returns the arguments `id2label` and `label2id`, which also set the number of classes.

    Raises:
        ValueError: if there are fewer than two classes, or if a name occurs twice.
    """
    if len(set(names)) != len(names) or len(names) < 2:
        raise ValueError(f"label_names must be two or more different names, got {list(names)}")
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: label for label, name in enumerate(names)},
    }
