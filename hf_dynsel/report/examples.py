"""The samples that each score ranks highest and lowest: pictures as a sheet, texts on request."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import Dataset, Image, Value
from jaxtyping import Float, Int

from hf_dynsel.extras import require
from hf_dynsel.report.canvas import INK, chart, label, png
from hf_dynsel.report.picture import Picture, Section, Table
from hf_dynsel.report.runfolder import SCORES, RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACROSS, DOWN, CELL = 8, 2, 1.22  # columns, rows, and height of a cell of width 1
MOST_ROWS, LONGEST_TEXT, LONGEST_NAME = 5, 200, 16


def example_section(
    run: RunFolder, examples: Dataset | None, names: list[str], *, show_texts: bool
) -> Section:
    """Returns the highest- and lowest-scored samples of each score.

    Args:
        run: the run.
        examples: the training set, in the order in which it was scored; None if not at hand.
        names: name of each class.
        show_texts: whether texts may be shown.
    """
    title = "Highest and lowest scores"
    if not run.scores:
        return Section(title, missing=[f"The examples need {SCORES}, which is not there."])
    if examples is None:
        return Section(title, missing=["The examples need the training set: pass it as examples."])
    classes = [""] * len(examples) if run.labels is None else [names[c] for c in run.labels]
    if image := _first_column(examples, "image"):
        images = examples.select_columns(image).with_format(None)
        return Section(title, [_sheet(n, s, images, classes) for n, s in run.scores.items()])
    text = _first_column(examples, "string")
    hidden = "Texts are left out, as they may be private: pass show_texts=True to show them."
    texts = examples.select_columns(text) if text and show_texts else None
    return Section(
        title,
        tables=[_table(n, s, texts, classes) for n, s in run.scores.items()],
        missing=[hidden] if text and not show_texts else [],
    )


def _first_column(examples: Dataset, kind: str) -> str:
    """Returns the name of the first column of images or strings, empty if there is none."""
    for name, feature in examples.features.items():
        if kind == "image" and isinstance(feature, Image):
            return str(name)
        if kind == "string" and isinstance(feature, Value) and feature.dtype.endswith("string"):
            return str(name)
    return ""


def _extremes(values: Float[np.ndarray, " n"], wanted: int) -> dict[str, Int[np.ndarray, " m"]]:
    """Returns the rows of the highest and of the lowest values, no row in both."""
    count = max(1, min(wanted, len(values) // 2))
    return {
        "highest": np.argsort(-values, kind="stable")[:count],
        "lowest": np.argsort(values, kind="stable")[:count],
    }


def _sheet(
    name: str, values: Float[np.ndarray, " n"], images: Dataset, classes: list[str]
) -> Picture:
    require("PIL.Image", "report")
    figure, axes = chart(2, height=5.6)
    for one, (end, rows) in zip(axes, _extremes(values, ACROSS * DOWN).items(), strict=True):
        for place, row in enumerate(rows):
            _thumbnail(one, place, images[int(row)], classes[row])
        one.set(xlim=(0, ACROSS), ylim=(DOWN * CELL, 0), aspect="equal")
        one.set_axis_off()
        label(one, title=f"{end} {name}: {values[rows[0]]:.3g} to {values[rows[-1]]:.3g}")
    return Picture(
        f"examples_{re.sub(r'[^A-Za-z0-9_-]+', '_', name)}",
        f"Sheet of the samples with the highest and the lowest {name}.",
        f"The samples that {name} ranks highest (top) and lowest (bottom), each with its class.",
        png(figure),
    )


def _thumbnail(axes: "Axes", place: int, row: dict[str, Any], name: str) -> None:
    """Shows an image, grey or in colour, above the name of its class."""
    (image,) = row.values()
    y, x = divmod(place, ACROSS)
    small = image.convert("L" if image.mode in ("1", "L") else "RGB")
    small.thumbnail((200, 200))
    top, middle = y * CELL, x + 0.5
    half = 0.46 * np.array(small.size) / max(small.size)
    sides = (middle - half[0], middle + half[0], top + 0.46 + half[1], top + 0.46 - half[1])
    axes.imshow(np.asarray(small), cmap="gray", vmin=0, vmax=255, extent=sides)
    short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    axes.text(middle, top + 0.96, short, ha="center", va="top", fontsize=8, color=INK)


def _table(
    name: str, values: Float[np.ndarray, " n"], texts: Dataset | None, classes: list[str]
) -> Table:
    rows = [
        [end, f"{row:,}", classes[row], f"{values[row]:.3g}", *_shown(texts, int(row))]
        for end, rows in _extremes(values, MOST_ROWS).items()
        for row in rows
    ]
    header = ["end", "sample", "class", "score", *([] if texts is None else ["text"])]
    return Table(f"Samples with the highest and lowest {name}", header, rows)


def _shown(texts: Dataset | None, row: int) -> list[str]:
    if texts is None:
        return []
    (text,) = texts[row].values()
    words = " ".join(str(text).split())
    return [words if len(words) <= LONGEST_TEXT else f"{words[: LONGEST_TEXT - 1]}…"]
