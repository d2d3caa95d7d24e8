"""The samples that each score ranks highest and lowest: pictures as a sheet, texts on request."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from jaxtyping import Float, Int

from hf_dynsel.report.canvas import chart, label
from hf_dynsel.report.picture import Picture, Section, Table
from hf_dynsel.report.runfolder import SCORES, RunFolder
from hf_dynsel.report.thumbnails import first_column, grid

ACROSS, DOWN = 8, 2
MOST_ROWS, LONGEST_TEXT = 5, 200
TEXTS_HIDDEN = (
    "Texts are left out, as they may be private: show_texts=True shows them, in a recipe "
    "dataset.show_texts."
)


@dataclass(frozen=True)
class Among:
    """The samples that the highest and the lowest are looked for among.

    Args:
        rows: of the training set.
        classes: name of the class of every sample of the training set.
        name: of the class that the samples are of; empty for all.
    """

    rows: Int[np.ndarray, " m"]
    classes: Sequence[str]
    name: str = ""

    @property
    def words(self) -> str:
        """What stands after the word `samples`."""
        return f" of class {self.name}" if self.name else ""


def example_section(
    run: RunFolder,
    examples: Dataset | None,
    names: list[str],
    *,
    show_texts: bool,
    of_class: int | None = None,
) -> Section:
    """Returns the highest- and lowest-scored samples of each score.

    Args:
        run: the run.
        examples: the training set, in the order in which it was scored; None if not at hand.
        names: name of each class.
        show_texts: whether texts may be shown.
        of_class: number of the class to show; None for all.
    """
    title = "Highest and lowest scores"
    if not run.scores:
        return Section(title, missing=[f"The examples need {SCORES}, which is not there."])
    if examples is None:
        return Section(title, missing=["The examples need the training set: pass it as examples."])
    among = _among(run, names, len(examples), of_class)
    if image := first_column(examples, "image"):
        images = examples.select_columns(image).with_format(None)
        return Section(title, [_sheet(n, s, images, among) for n, s in run.scores.items()])
    text = first_column(examples, "string")
    texts = examples.select_columns(text) if text and show_texts else None
    return Section(
        title,
        tables=[_table(n, s, texts, among) for n, s in run.scores.items()],
        missing=[TEXTS_HIDDEN] if text and not show_texts else [],
    )


def _among(run: RunFolder, names: list[str], size: int, of_class: int | None) -> Among:
    if run.labels is None:
        return Among(np.arange(size), [""] * size)
    classes = [names[c] for c in run.labels]
    if of_class is None:
        return Among(np.arange(size), classes)
    return Among(np.flatnonzero(run.labels == of_class), classes, names[of_class])


def _extremes(
    values: Float[np.ndarray, " n"], wanted: int, rows: Int[np.ndarray, " m"]
) -> dict[str, Int[np.ndarray, " k"]]:
    """Returns those of some rows with the highest and with the lowest values, no row in both."""
    count, own = max(1, min(wanted, len(rows) // 2)), values[rows]
    return {
        "highest": rows[np.argsort(-own, kind="stable")[:count]],
        "lowest": rows[np.argsort(own, kind="stable")[:count]],
    }


def _sheet(name: str, values: Float[np.ndarray, " n"], images: Dataset, among: Among) -> Picture:
    figure, axes = chart(2, height=5.6)
    extremes = _extremes(values, ACROSS * DOWN, among.rows)
    for one, (end, rows) in zip(axes, extremes.items(), strict=True):
        below = [f"{values[row]:#.3g}" if among.name else among.classes[row] for row in rows]
        grid(one, images, rows, ACROSS, below)
        scores = f"{values[rows[0]]:.3g} to {values[rows[-1]]:.3g}"
        label(one, title=f"{end} {name}{among.words}: {scores}")
    return Picture(
        f"examples_{slug(name)}" + (f"_{slug(among.name)}" if among.name else ""),
        f"Sheet of the samples{among.words} with the highest and the lowest {name}.",
        f"The samples{among.words} that {name} ranks highest (top) and lowest (bottom), each with "
        f"its {'score' if among.name else 'class'}.",
        figure,
        {
            end: {"rows": rows.tolist(), name: values[rows].tolist()}
            for end, rows in extremes.items()
        },
    )


def slug(name: str) -> str:
    """Returns a name with other characters than letters, digits, `_` and `-` replaced."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)


def _table(
    name: str, values: Float[np.ndarray, " n"], texts: Dataset | None, among: Among
) -> Table:
    rows = [
        [end, f"{row:,}", among.classes[row], f"{values[row]:.3g}", *_shown(texts, int(row))]
        for end, rows in _extremes(values, MOST_ROWS, among.rows).items()
        for row in rows
    ]
    header = ["end", "sample", "class", "score", *([] if texts is None else ["text"])]
    return Table(f"Samples{among.words} with the highest and lowest {name}", header, rows)


def _shown(texts: Dataset | None, row: int) -> list[str]:
    if texts is None:
        return []
    (text,) = texts[row].values()
    return [one_line(str(text))]


def one_line(text: str) -> str:
    """Returns the beginning of a text as one line."""
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_TEXT else f"{words[: LONGEST_TEXT - 1]}…"
