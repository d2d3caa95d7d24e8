"""The figures of cards: how many samples each epoch used, how often each, and their scores."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.report.canvas import BLUE, SOFT, chart, epochs, label, thousands
from hf_dynsel.report.picture import Picture
from hf_dynsel.report.score_figures import histograms, joint
from hf_dynsel.report.usage_figures import usage_histogram


def selection_figures(
    sizes: Sequence[int], num_epochs: int, counts: Int[np.ndarray, " n"]
) -> list[Picture]:
    """Returns the samples of each epoch, and how often each sample was used.

    Args:
        sizes: samples, by epoch that is finished.
        num_epochs: of the whole run.
        counts: epochs that each sample was used in.
    """
    return [samples_per_epoch(sizes, num_epochs, len(counts)), usage_histogram(counts, len(sizes))]


def samples_per_epoch(sizes: Sequence[int], num_epochs: int, full: int) -> Picture:
    """Returns the samples that each epoch trained on, beside all there are."""
    figure, (axes,) = chart(height=3.0)
    axes.stairs(sizes, np.arange(len(sizes) + 1), fill=True, color=BLUE)
    axes.axhline(full, color=SOFT, linewidth=1.2, linestyle="--")
    axes.set_ylim(0, full * 1.12)
    epochs(axes, num_epochs)
    thousands(axes)
    label(axes, title=f"Samples per epoch (dashed: all {full:,})", y="samples")
    facts = f"{min(sizes):,} to {max(sizes):,} of {full:,} samples per epoch"
    return Picture(
        "samples_per_epoch",
        f"Samples trained on, by epoch: {facts}.",
        f"What is missing to the dashed line was not trained: {facts}, "
        f"{sum(sizes) / (full * len(sizes)):.1%} of all data over the epochs shown.",
        figure,
    )


def score_figures(scores: Mapping[str, Float[np.ndarray, " n"]]) -> list[Picture]:
    """Returns the histograms of all scores, and the first two against each other."""
    return [histograms(scores), *([joint(scores)] if len(scores) > 1 else [])]
