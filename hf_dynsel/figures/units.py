"""How strongly a class activates each unit of the autoencoder, and for how many samples."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from hf_dynsel.figures.request import Request
from hf_dynsel.figures.unit_statistics import UnitStatistics, active_units
from hf_dynsel.report.canvas import SKY, VERMILION, chart, label, percent, thousands
from hf_dynsel.report.examples import slug
from hf_dynsel.report.legends import legend_below
from hf_dynsel.report.picture import Picture, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def units(request: Request) -> Section:
    """Returns the units of one class, by mean activation and by samples they fire for.

    Reference:
        Zhou et al., arXiv 2603.04981, figure 6 and appendix A.4, of the class cat. Common are the
        units of the score of representativeness; the paper takes nearly a tenth of them, too.
    """
    one = request.run()
    active = active_units(one.codes, one.num_units)
    statistics = UnitStatistics.of(active, one.labels, len(one.class_names))
    common = np.zeros(one.num_units, bool)
    common[statistics.common(one.common_frac)] = True
    numbers = request.class_numbers(one.class_names, [0])
    return Section(
        "Units of the sparse autoencoder",
        [class_units(statistics, common, number, one.class_names) for number in numbers],
    )


def class_units(
    statistics: UnitStatistics,
    common: Bool[np.ndarray, " units"],
    number: int,
    names: Sequence[str],
) -> Picture:
    """Returns the units that fire for a class: by mean activation, and by how often they fire.

    Args:
        statistics: of all classes.
        common: which units most samples of the dataset activate.
        number: of the class.
        names: of the classes.
    """
    name, means, counts = names[number], statistics.means[number], statistics.counts[number]
    size = int(statistics.sizes[number])
    facts = _facts(means, counts, common)
    figure, (left, right) = chart(1, 2, height=4.0)
    _ranked(left, means, common)
    _ranked(right, counts / max(size, 1), common)
    percent(right)
    rank = f"rank of the unit ({facts['firing']:,} of {len(common):,} fire)"
    label(left, title=f"Mean activation, {name}", x=rank, y="mean over the class")
    label(right, title=f"Samples a unit fires for, {name}", x=rank)
    label(right, y=f"share of {size:,} samples")
    legend_below(figure, [left], columns=2)
    words = (
        f"{facts['firing']:,} of {len(common):,} units ({facts['firing_share']:.0%}) fire for a "
        f"sample of {name}; the {facts['common']:,} common units hold "
        f"{facts['common_share_of_activation']:.0%} of its activation"
    )
    return Picture(
        f"units_{slug(name)}",
        f"Units of the sparse autoencoder that fire for {name}, sorted. {words}.",
        "Left: how strongly each unit fires, on average over the class. Right: for how many of "
        f"its samples. Orange units are among the most frequent of the whole dataset. {words}.",
        figure,
        {"class": name, "samples": size, "units": len(common), **facts},
    )


def _ranked(
    axes: "Axes", values: Shaped[np.ndarray, " units"], common: Bool[np.ndarray, " units"]
) -> None:
    """Draws the positive values in falling order, those of common units in another colour."""
    order = np.argsort(-values, kind="stable")[: np.count_nonzero(values)]
    ranks, heights, marked = np.arange(1, len(order) + 1), values[order], common[order]
    name = f"common in the whole dataset ({common.sum():,} units)"
    look: dict[str, Any] = {"marker": "o", "linestyle": "", "mew": 0}
    axes.plot(ranks[~marked], heights[~marked], color=SKY, ms=5, label="others", **look)
    axes.plot(ranks[marked], heights[marked], color=VERMILION, ms=3.5, label=name, **look)
    axes.set_xscale("log")
    axes.tick_params(which="minor", length=0)
    thousands(axes, "x")
    axes.set_ylim(bottom=0)


def _facts(
    means: Float[np.ndarray, " units"],
    counts: Shaped[np.ndarray, " units"],
    common: Bool[np.ndarray, " units"],
) -> dict[str, Any]:
    firing, total = np.flatnonzero(counts), float(means.sum())
    order = firing[np.argsort(-means[firing], kind="stable")]
    return {
        "firing": len(firing),
        "firing_share": len(firing) / len(counts),
        "common": int(common.sum()),
        "common_firing": int(common[firing].sum()),
        "common_share_of_activation": float(means[common].sum()) / total if total else 0.0,
        "fires_for_all_samples": int(np.count_nonzero(counts == counts.max())) if total else 0,
        "unit": order.tolist(),
        "mean_activation": means[order].tolist(),
        "samples": counts[order].tolist(),
        "is_common": common[order].tolist(),
    }
