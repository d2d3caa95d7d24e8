"""The classes among the samples of each epoch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from hf_dynsel.report.canvas import (
    BLUE,
    CYCLE,
    SKY,
    SOFT,
    chart,
    epochs,
    label,
    percent,
    shades,
    steps,
)
from hf_dynsel.report.legends import legend_right
from hf_dynsel.report.picture import Picture, Section
from hf_dynsel.report.runfolder import SCORES, RunFolder
from hf_dynsel.report.trace import Trace

MOST_AREAS = 20


def class_section(run: RunFolder, trace: Trace, names: Sequence[str]) -> Section:
    """Returns the class mix of each epoch.

    Args:
        run: the run.
        trace: what became of its epochs.
        names: name of each class.
    """
    title = "Class mix"
    if run.labels is None or trace.class_mix is None:
        return Section(title, missing=[f"The class mix needs a class column in {SCORES}."])
    base = np.bincount(run.labels, minlength=len(names)) / len(run.labels)
    few = len(names) <= MOST_AREAS
    return Section(
        title, [areas(trace.class_mix, base, names) if few else band(trace.class_mix, base)]
    )


def areas(
    mix: Float[np.ndarray, "e c"], base: Float[np.ndarray, " c"], names: Sequence[str]
) -> Picture:
    """Returns the share of each class by epoch as stacked areas, beside the whole training set."""
    figure, (whole, axes) = chart(1, 2, height=4.4, widths=(1, 14))
    colours = CYCLE[: len(names)] if len(names) <= len(CYCLE) else shades(len(names))
    look: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.8}
    whole.bar(np.zeros(len(base)), base, bottom=np.cumsum(base) - base, color=colours, **look)
    edges, stacked = np.arange(len(mix) + 1), np.vstack([mix, mix[-1:]]).T
    axes.stackplot(edges, stacked, colors=colours, labels=names, step="post", **look)
    legend_right(axes, stacked=True)
    epochs(axes, len(mix))
    whole.set_xticks([0], ["all\ndata"])
    for one in (whole, axes):
        one.set_ylim(0, 1)
        percent(one)
    axes.tick_params(labelleft=False)
    label(whole, y="share of the samples")
    label(axes, title="Classes among the samples used")
    return Picture("class_mix", *_words(mix, base), figure)


def band(mix: Float[np.ndarray, "e c"], base: Float[np.ndarray, " c"]) -> Picture:
    """Returns how far the class shares of each epoch are from those of the training set."""
    relative = mix[:, base > 0] / base[base > 0]
    low, middle, high = relative.min(1), np.median(relative, 1), relative.max(1)
    figure, (axes,) = chart()
    edges = np.arange(len(mix) + 1)
    axes.stairs(high, edges, baseline=low, fill=True, color=SKY, alpha=0.5, label="all classes")
    steps(axes, middle, BLUE, "median class")
    axes.axhline(1, color=SOFT, linewidth=1.2, linestyle="--", label="as in the training set")
    epochs(axes, len(mix))
    legend_right(axes, stacked=True)
    label(axes, title="Share of a class, relative to all data", y="times its share in all data")
    return Picture("class_mix", *_words(mix, base), figure)


def _words(mix: Float[np.ndarray, "e c"], base: Float[np.ndarray, " c"]) -> tuple[str, str]:
    """Returns the text for the blind and the caption."""
    used = mix[mix.sum(1) > 0]
    gap = float(np.abs(used - base).sum(1).max() / 2) if len(used) else 0.0
    fact = f"At most {gap:.1%} of an epoch would have to change class to match the training set"
    return (
        f"Share of each of {len(base)} classes among the samples used, by epoch. {fact}.",
        "Whether an epoch favours some classes: flat edges mean the same mix in every epoch. "
        f"{fact} (its total variation distance).",
    )
