"""Accuracy against what it cost, as charts: samples trained, and seconds with overhead."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from hf_dynsel.compare.results import Results
from hf_dynsel.compare.table import Line, is_reference, table
from hf_dynsel.report.canvas import CYCLE, INK, chart, label, png, svg, thousands

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "osD^vP*X<>"
ROWS = 24  # of the legend, in one column
AXES: dict[str, tuple[str, Callable[[Line], float]]] = {
    "samples": ("samples trained", lambda line: line.samples_trained),
    "seconds": ("seconds, overhead included", lambda line: line.total_seconds),
}


def pictures(results: Results) -> dict[str, bytes]:
    """Returns the files of both charts, PNG and SVG, by name."""
    files: dict[str, bytes] = {}
    for name in AXES:
        figure = draw(results, name)
        files |= {f"by_{name}.png": png(figure), f"by_{name}.svg": svg(figure)}
    return files


def draw(results: Results, against: str) -> "Figure":
    """Returns one line per method through its budgets, with the spread over seeds.

    Args:
        results: of the comparison.
        against: one of AXES.
    """
    text, cost = AXES[against]
    figure, (axes,) = chart(width=9.0, height=5.0)
    for number, (name, lines) in enumerate(_methods(results).items()):
        reference = is_reference(name)
        axes.errorbar(
            [cost(line) for line in lines],
            [100 * line.mean for line in lines],
            [100 * (line.std or 0.0) for line in lines],
            color=INK if reference else CYCLE[number % len(CYCLE)],
            marker=MARKERS[number % len(MARKERS)],
            linestyle="--" if reference else "-",
            linewidth=1.2,
            elinewidth=0.7,
            markersize=5,
            label=name,
        )
    thousands(axes, "x")
    metric = results.setup.metric.replace("_", " ")
    label(axes, x=text, y=f"{metric}, %")
    columns = -(-len(axes.get_legend_handles_labels()[1]) // ROWS)
    figure.legend(
        loc="outside right upper", frameon=False, fontsize=8, labelcolor=INK, ncols=columns
    )
    return figure


def _methods(results: Results) -> dict[str, list[Line]]:
    """Returns the rows of each method in the order of the budgets, references first."""
    found: dict[str, list[Line]] = {}
    for lines in table(results).values():
        for line in lines:
            found.setdefault(line.label, []).append(line)
    return dict(sorted(found.items(), key=lambda item: (not is_reference(item[0]), item[0])))
