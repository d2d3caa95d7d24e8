"""How often each sample was used, and how much consecutive epochs share."""

import numpy as np
from jaxtyping import Int

from hf_dynsel.report.canvas import (
    BLUE,
    GREEN,
    INK,
    SOFT,
    VERMILION,
    chart,
    epochs,
    label,
    legend,
    percent,
    steps,
    thousands,
)
from hf_dynsel.report.picture import Picture, Section
from hf_dynsel.report.trace import Trace
from hf_dynsel.usage import gini, never_used

MAX_BARS = 80


def usage_section(trace: Trace) -> Section:
    """Returns how often samples were used, and the overlap of consecutive epochs."""
    title = "How evenly the training set was used"
    histogram = usage_histogram(trace.counts, len(trace.sizes))
    if len(trace.sizes) < 2:
        missing = "The overlap of consecutive epochs needs two epochs; this run has one."
        return Section(title, [histogram], [missing])
    return Section(title, [histogram, rotation(trace)])


def usage_histogram(counts: Int[np.ndarray, " n"], num_epochs: int) -> Picture:
    """Returns the histogram of the number of epochs each sample was used in."""
    mean, width = float(counts.mean()), -(-num_epochs // MAX_BARS)
    heights = np.bincount((counts[counts > 0] - 1) // width)
    figure, (axes,) = chart()
    middles = 1 + np.arange(len(heights)) * width + (width - 1) / 2
    axes.bar(middles, heights, width * 0.9, color=BLUE)
    unused = np.count_nonzero(counts == 0)
    axes.bar(0, unused, width * 0.9, color=VERMILION, label=f"never used: {unused:,}")
    axes.axvline(mean, color=INK, linewidth=1.5, linestyle="--", label=f"mean: {mean:.1f} epochs")
    axes.set_xlim(-width, num_epochs + width)
    thousands(axes)
    legend(axes)
    inequality, never = gini(counts), never_used(counts)
    facts = f"Gini {inequality:.2f}, {never:.1%} never used"
    label(axes, title=f"How often samples were used ({facts})", x="epochs used in", y="samples")
    return Picture(
        "usage",
        f"Histogram of the number of epochs each sample was used in. {facts}.",
        f"On average a sample was used in {mean:.1f} of {num_epochs} epochs; {never:.1%} of "
        f"the training set was never used. The Gini coefficient is {inequality:.2f}: 0 means that "
        "all samples were used equally often, 1 that a single one was used all the time.",
        figure,
    )


def rotation(trace: Trace) -> Picture:
    """Returns the overlap of consecutive epochs, and the share of the data used so far."""
    num_epochs, chance = len(trace.sizes), trace.sizes[:-1] / len(trace.counts)
    figure, (shared, covered) = chart(1, 2)
    steps(shared, trace.overlap, BLUE, "measured")
    steps(shared, np.append(np.nan, chance), SOFT, "if drawn at random", line="--")
    steps(covered, trace.coverage, GREEN, "used at least once")
    for axes in (shared, covered):
        axes.set_ylim(0, 1.03)
        percent(axes)
        epochs(axes, num_epochs)
    legend(shared)
    label(shared, title="Overlap with the epoch before", y="share of the epoch's samples")
    label(covered, title="Used at least once so far", y="share of the training set")
    mean = float(np.nanmean(trace.overlap)) if not np.isnan(trace.overlap).all() else np.nan
    facts = f"mean overlap {mean:.0%}, {trace.coverage[-1]:.1%} of the training set used in the end"
    return Picture(
        "overlap",
        f"Overlap of consecutive epochs, and share of the training set used so far: {facts}.",
        "Left: how much of an epoch was also in the epoch before. Below the dashed line, samples "
        "take turns; above it, the same ones come back. Right: how much of the training set the "
        f"model has seen. Over the run: {facts}.",
        figure,
    )
