"""Imports optional packages, with an error that names the extra to install."""

import importlib
from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Returns an optional module.

    Raises:
        ImportError: if it is not installed; the message says which extra brings it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name is None or not f"{module}.".startswith(f"{missing.name}."):
            raise
        raise ImportError(
            f"this needs the package '{missing.name}', which is not installed: "
            f"pip install 'hf-dynsel[{extra}]'"
        ) from missing
