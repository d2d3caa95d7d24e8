"""How often each sample was used, sorted, for several runs in one chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Int

from hf_dynsel.report.canvas import chart, label, line_looks, percent
from hf_dynsel.report.legends import legend_below
from hf_dynsel.report.picture import Picture
from hf_dynsel.usage import gini, never_used

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONG = 32  # characters of a name


@dataclass(frozen=True)
class Use:
    """How often a run used its samples.

    Args:
        counts: epochs that each sample was used in.
        num_epochs: of the run.
        wrong: which samples have a wrong label; None where that is not known.
    """

    counts: Int[np.ndarray, " n"]
    num_epochs: int
    wrong: Bool[np.ndarray, " n"] | None

    def parts(self) -> dict[str, Int[np.ndarray, " m"]]:
        """Returns the counts by panel: of all samples, or of those with right and wrong labels."""
        if self.wrong is None or not self.wrong.any():
            return {"all samples": self.counts}
        return {
            "samples with the right label": self.counts[~self.wrong],
            "samples with a wrong label": self.counts[self.wrong],
        }


def usage_curve(uses: Mapping[str, Use]) -> Picture:
    """Returns the use of every sample, most used first, one line per run.

    Samples are counted as a share of their panel, so that training sets of any size and the few
    with wrong labels compare. Right and wrong labels are told apart where all runs know them.

    Args:
        uses: by the name of the run.
    """
    panels = _panels(uses)
    figure, axes = chart(1, len(panels), height=4.0, share_y=True)
    for one, (title, counts) in zip(axes, panels.items(), strict=True):
        _draw(one, list(counts.values()), list(counts))
        label(one, title=title, x="share of these samples, most used first")
    label(axes[0], y="epochs used in")
    axes[0].set_ylim(bottom=0)  # of all panels, so not before all are drawn
    axes[0].locator_params(axis="y", integer=True)
    legend_below(figure, axes[:1], columns=3 if max(map(len, uses)) < LONG else 2)
    facts = {name: _facts(use) for name, use in uses.items()}
    words = "; ".join(f"{name}: {text}" for name, text in facts.items())
    return Picture(
        "usage_curve",
        f"Number of epochs that each sample was used in, most used first. {words}.",
        "A flat line means that all samples were used equally often; a steep one that a few were "
        f"used again and again. {words}.",
        figure,
        {name: _numbers(use) for name, use in uses.items()},
    )


def _panels(uses: Mapping[str, Use]) -> dict[str, dict[str, Int[np.ndarray, " m"]]]:
    """Returns the counts by panel and run; one panel unless all runs have the same ones."""
    parts = {name: use.parts() for name, use in uses.items()}
    titles = [tuple(part) for part in parts.values()]
    if len(set(titles)) > 1:
        return {"all samples": {name: use.counts for name, use in uses.items()}}
    return {title: {name: part[title] for name, part in parts.items()} for title in titles[0]}


def _draw(axes: "Axes", counts: Sequence[Int[np.ndarray, " m"]], names: Sequence[str]) -> None:
    for own, name, look in zip(counts, names, line_looks(), strict=False):
        samples = np.bincount(own)
        used = np.flatnonzero(samples)[::-1]
        ends = np.append(0, np.cumsum(samples[used])) / len(own)
        axes.stairs(used, ends, baseline=None, label=name, **look)
    axes.set_xlim(0, 1)
    percent(axes, "x")


def _facts(use: Use) -> str:
    said = f"Gini {gini(use.counts):.2f}, {never_used(use.counts):.1%} never used"
    means = {title: counts.mean() for title, counts in use.parts().items()}
    if len(means) > 1:
        right, wrong = means.values()
        said += f", right labels in {right:.1f} epochs and wrong ones in {wrong:.1f} on average"
    return said


def _numbers(use: Use) -> dict[str, Any]:
    """Returns the curve as numbers of samples by use: the same, shorter."""
    return {
        "num_epochs": use.num_epochs,
        "gini": gini(use.counts),
        "never_used": never_used(use.counts),
        "parts": {
            title: {
                "samples": len(counts),
                "mean": float(counts.mean()),
                "gini": gini(counts),
                "never_used": never_used(counts),
                "samples_by_epochs_used_in": np.bincount(counts).tolist(),
            }
            for title, counts in use.parts().items()
        },
    }
