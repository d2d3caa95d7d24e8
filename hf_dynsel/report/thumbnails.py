"""Small images in a grid, each with a line of text below."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from datasets import Dataset, Image, Value
from jaxtyping import Int

from hf_dynsel.extras import require
from hf_dynsel.report.canvas import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXELS = 200  # of the longer side, at most
CAPTIONED, BARE = 1.22, 1.0  # height of a cell of width 1
LONGEST_NAME = 16


def first_column(examples: Dataset, kind: str) -> str:
    """Returns the name of the first column of images or strings, empty if there is none.

    Args:
        examples: the data.
        kind: `image` or `string`.
    """
    for name, feature in examples.features.items():
        if kind == "image" and isinstance(feature, Image):
            return str(name)
        if kind == "string" and isinstance(feature, Value) and feature.dtype.endswith("string"):
            return str(name)
    return ""


def grid(
    axes: "Axes",
    images: Dataset,
    rows: Int[np.ndarray, " m"],
    across: int,
    names: Sequence[str] | None = None,
) -> None:
    """Shows images, grey or in colour, from left to right and from top to bottom.

    Args:
        axes: to draw on; loses its frame.
        images: a dataset whose only column is of images.
        rows: which of them, in reading order.
        across: images in a line.
        names: what stands below each of the rows; None for nothing.
    """
    require("PIL.Image", "report")
    height, down = CAPTIONED if names else BARE, -(-len(rows) // across)
    for place, row in enumerate(rows):
        y, x = divmod(place, across)
        (image,) = images[int(row)].values()
        small = image.convert("L" if image.mode in ("1", "L") else "RGB")
        small.thumbnail((PIXELS, PIXELS))
        half = 0.46 * np.array(small.size) / max(small.size)
        top, middle = y * height, x + 0.5
        sides = (middle - half[0], middle + half[0], top + 0.46 + half[1], top + 0.46 - half[1])
        axes.imshow(np.asarray(small), cmap="gray", vmin=0, vmax=255, extent=sides)
        if names:
            text = shortened(names[place])
            axes.text(middle, top + 0.96, text, ha="center", va="top", fontsize=8, color=INK)
    axes.set(xlim=(0, across), ylim=(down * height, 0), aspect="equal")
    axes.set_axis_off()


def shortened(name: str) -> str:
    """Returns a name that fits below a thumbnail."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
