"""What units stand for: the samples that activate them most, and the classes they fire for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import Dataset
from jaxtyping import Float, Int
from scipy.sparse import csc_matrix

from hf_dynsel.figures.request import Request
from hf_dynsel.figures.unit_statistics import UnitStatistics, active_units
from hf_dynsel.report.canvas import BLUE, chart, label, ticks
from hf_dynsel.report.examples import TEXTS_HIDDEN, one_line
from hf_dynsel.report.picture import Picture, Section, Table
from hf_dynsel.report.thumbnails import first_column, grid, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OF_EACH_KIND = 2
ACROSS, MOST = 3, 9
MOST_CLASS_NAMES = 20


@dataclass(frozen=True)
class Unit:
    """A unit and the samples that activate it most.

    Args:
        number: of the unit.
        kind: `class-specific` or `universal`.
        coverage: number of classes it is spread over.
        means: mean activation in each class.
        rows: samples that activate it most, the strongest first.
        values: of these.
    """

    number: int
    kind: str
    coverage: float
    means: Float[np.ndarray, " c"]
    rows: Int[np.ndarray, " m"]
    values: Float[np.ndarray, " m"]


def unit_images(request: Request) -> Section:
    """Returns two class-specific and two universal units with the samples that activate them most.

    All four are among the common units. Texts are shown only where the recipe's
    `dataset.show_texts` allows it.

    Reference:
        Zhou et al., arXiv 2603.04981, figure 7, with one unit of each kind. It does not say how
        they were found: we take the units whose mean activation is spread over the fewest and
        over the most classes, the class-specific ones of different classes.
    """
    one = request.run()
    active = active_units(one.codes, one.num_units)
    statistics = UnitStatistics.of(active, one.labels, len(one.class_names))
    found = telling_units(statistics, active.tocsc(), one.common_frac)
    title, names = "What units stand for", one.class_names
    if image := first_column(one.dataset, "image"):
        images = one.dataset.select_columns(image).with_format(None)
        return Section(title, [sheet(found, images, names)])
    text = first_column(one.dataset, "string")
    allowed = bool(one.recipe.dataset.get("show_texts", False))
    shown = one.dataset[text] if text and allowed else None
    hidden = [TEXTS_HIDDEN] if text and not allowed else []
    return Section(title, missing=hidden, tables=[listed(found, one.labels, names, shown)])


def telling_units(statistics: UnitStatistics, active: csc_matrix, share: float) -> list[Unit]:
    """Returns common units of few classes, then of many.

    Args:
        statistics: of all units.
        active: the values above zero, one column per unit.
        share: of the units that is common.
    """
    common, coverage, means = statistics.common(share), statistics.coverage, statistics.means
    by_coverage = common[np.argsort(coverage[common], kind="stable")]
    first_of_class: dict[int, int] = {}
    for number in by_coverage.tolist():
        first_of_class.setdefault(int(means[:, number].argmax()), number)
    specific = list(first_of_class.values())[:OF_EACH_KIND]
    universal = [n for n in by_coverage[::-1].tolist() if n not in specific][:OF_EACH_KIND]
    kinds = {**dict.fromkeys(specific, "class-specific"), **dict.fromkeys(universal, "universal")}
    return [
        Unit(number, kind, float(coverage[number]), means[:, number], *_strongest(active, number))
        for number, kind in kinds.items()
    ]


def _strongest(
    active: csc_matrix, number: int
) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    column = active[:, [number]].tocoo()
    order = np.lexsort((column.row, -column.data))[:MOST]
    return column.row[order], column.data[order]


def sheet(found: list[Unit], images: Dataset, names: list[str]) -> Picture:
    """Returns one line per unit: nine images, and its mean activation by class."""
    figure, axes = chart(len(found), 2, height=1.0 + 1.75 * len(found), widths=(1, 3.1))
    for unit, left, right in zip(found, axes[::2], axes[1::2], strict=True):
        grid(left, images, unit.rows, ACROSS)
        _by_class(right, unit, names, named=unit is found[-1])
        label(
            right,
            title=f"Unit {unit.number}, {unit.kind}: {_spread(unit)}",
            y="mean activation",
        )
    facts = "; ".join(f"unit {unit.number}, {unit.kind}: {_spread(unit)}" for unit in found)
    return Picture(
        "unit_images",
        f"Units with the nine images that activate each most, and its classes. {facts}.",
        "Left: the nine training images that activate the unit most. Right: how strongly each "
        "class activates it on average. All of these are among the most frequent units.",
        figure,
        {"classes": names, "units": [_plain(unit) for unit in found]},
    )


def _by_class(axes: "Axes", unit: Unit, names: list[str], *, named: bool) -> None:
    """Draws a bar per class; their names stand below the last unit alone."""
    axes.bar(range(len(names)), unit.means, color=BLUE, width=0.8)
    axes.grid(visible=False, axis="x")
    axes.set_xlim(-0.6, len(names) - 0.4)
    if len(names) > MOST_CLASS_NAMES:
        label(axes, x=f"class number (highest: {names[int(unit.means.argmax())]})")
        return
    ticks(axes, range(len(names)), [shortened(name) for name in names])
    axes.tick_params(axis="x", rotation=30, labelbottom=named)
    for text in axes.get_xticklabels():
        text.set_horizontalalignment("right")


def _spread(unit: Unit) -> str:
    return f"spread over {unit.coverage:.1f} of {len(unit.means)} classes"


def _plain(unit: Unit) -> dict[str, Any]:
    return {
        "unit": unit.number,
        "kind": unit.kind,
        "coverage": unit.coverage,
        "mean_by_class": unit.means.tolist(),
        "rows": unit.rows.tolist(),
        "values": unit.values.tolist(),
    }


def listed(
    found: Sequence[Unit],
    labels: Int[np.ndarray, " n"],
    names: Sequence[str],
    texts: Sequence[str] | None,
) -> Table:
    """Returns the samples of each unit as a table.

    Args:
        found: the units.
        labels: class of each sample.
        names: of the classes.
        texts: of all samples, to be shown; None if they may not be.
    """
    header = ["unit", "kind", "classes", "sample", "class", "value"]
    rows = []
    for unit in found:
        for row, value in zip(unit.rows.tolist(), unit.values.tolist(), strict=True):
            cells = [str(unit.number), unit.kind, f"{unit.coverage:.1f}", str(row)]
            cells += [names[labels[row]], f"{value:.3g}"]
            rows.append(cells if texts is None else [*cells, one_line(texts[row])])
    return Table("Unit texts", header if texts is None else [*header, "text"], rows)
