"""The chart of the discrepancy of subsets: one panel per kernel and estimate."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_dynsel.figures.subsets import BY_CLASS, CENTER, RANDOM, REP
from hf_dynsel.report.canvas import BLUE, INK, ORANGE, VERMILION, chart, label, ticks
from hf_dynsel.report.legends import legend_below
from hf_dynsel.report.picture import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNIT = 1e6  # values are shown in millionths
KERNELS = {"1/d": "γ = 1/d", "median": "γ by the median distance"}
ESTIMATES = {"biased": "V-statistic", "unbiased": "U-statistic"}
LOOKS: Mapping[str, dict[str, Any]] = {
    REP: {"color": BLUE, "marker": "o", "linewidth": 2},
    CENTER: {"color": VERMILION, "marker": "s", "linewidth": 2},
    BY_CLASS: {"color": ORANGE, "marker": "^", "linewidth": 2},
    RANDOM: {"color": INK, "marker": "", "linewidth": 1.2, "linestyle": "--"},
}
Row = Mapping[str, Any]


def faithfulness_chart(rows: Sequence[Row], numbers: Mapping[str, Any]) -> Picture:
    """Returns the squared MMD against the fraction kept, lower being more faithful.

    Args:
        rows: `method`, `start`, `keep`, `kernel`, `biased` and `unbiased` of each.
        numbers: what the chart is of.
    """
    figure, axes = chart(2, 2, height=6.4, share_x=True)
    panels = [(estimate, kernel) for estimate in ESTIMATES for kernel in KERNELS]
    for one, (estimate, kernel) in zip(axes, panels, strict=True):
        own = [row for row in rows if row["kernel"] == kernel]
        for method, look in LOOKS.items():
            _line(one, [row for row in own if row["method"] == method], estimate, look)
        _scales(one, own, estimate)
        label(one, title=f"{ESTIMATES[estimate]}, {KERNELS[kernel]}")
    for one in axes[::2]:
        label(one, y="squared MMD × 10⁶")
    for one in axes[2:]:
        label(one, x="share of the training set kept")
    legend_below(figure, axes[:1], columns=len(LOOKS))
    facts = _facts(rows)
    return Picture(
        "mmd",
        f"Squared maximum mean discrepancy of subsets to all data, by share kept. {facts}",
        "How far a subset's features are from those of all data; lower is more faithful. Lines are "
        "means over starts or draws, bands their lowest and highest. The U-statistic may fall "
        f"below zero, as the subset is a part of the whole. {facts}",
        figure,
        numbers,
    )


def _line(axes: "Axes", rows: Sequence[Row], estimate: str, look: Mapping[str, Any]) -> None:
    """Draws one method: means over starts, and a band from the lowest to the highest."""
    values = [
        [UNIT * row[estimate] for row in rows if row["keep"] == keep] for keep in _keeps(rows)
    ]
    places = range(len(values))
    axes.plot(places, [np.mean(v) for v in values], label=rows[0]["method"], markersize=5, **look)
    low, high = ([end(v) for v in values] for end in (min, max))
    axes.fill_between(places, low, high, color=look["color"], alpha=0.18, linewidth=0)


def _scales(axes: "Axes", rows: Sequence[Row], estimate: str) -> None:
    """Spaces the fractions evenly; makes the scale of what is never negative logarithmic."""
    keeps = _keeps(rows)
    ticks(axes, range(len(keeps)), [f"{keep:.0%}" for keep in keeps])
    if estimate == "biased":
        axes.set_yscale("log")
        axes.tick_params(which="minor", length=0)
    else:
        axes.axhline(0, color=INK, linewidth=0.8)


def _keeps(rows: Sequence[Row]) -> list[float]:
    return sorted({row["keep"] for row in rows})


def _facts(rows: Sequence[Row]) -> str:
    """Returns in how many sizes Rep-TopK is nearer than the others, by the paper's kernel."""
    own = [row for row in rows if row["kernel"] == "1/d"]
    keeps = _keeps(own)
    mean = {
        (method, keep): float(
            np.mean([r["biased"] for r in own if (r["method"], r["keep"]) == (method, keep)])
        )
        for method in LOOKS
        for keep in keeps
    }
    said = [
        f"than {other} at {sum(mean[REP, keep] < mean[other, keep] for keep in keeps)}"
        for other in (CENTER, BY_CLASS, RANDOM)
    ]
    return (
        f"By the V-statistic and γ = 1/d, {REP} is nearer to all data {', '.join(said)} of "
        f"{len(keeps)} sizes."
    )
