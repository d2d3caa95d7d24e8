"""Reads a JSON file that may have been written by anyone."""

import json
import math
from pathlib import Path
from typing import Any

MOST_BYTES = 16 * 1024**2


def read_object(path: Path) -> dict[str, Any]:
    """Returns the one object that a JSON file holds.

    Raises:
        ValueError: if it is too large or no JSON, repeats a key, nests too deeply, holds NaN or an
            infinity, or is no object.
    """
    if (size := path.stat().st_size) > MOST_BYTES:
        raise ValueError(f"{path} has {size:,} bytes, but at most {MOST_BYTES:,} are read")
    try:
        content = json.loads(
            path.read_text(encoding="utf-8"),
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_unique,
        )
    except (ValueError, RecursionError) as broken:  # also of text that is no UTF-8
        raise ValueError(f"{path} is not JSON ({broken}); save or download it again") from broken
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold one JSON object, got a {type(content).__name__}")
    return content


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")


def _finite(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ValueError(f"{text} is too large a number")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a key among {[key for key, _ in pairs][:20]} is there twice")
    return found
