"""Which samples were used when: by their scores, one by one, and by their mean rank."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.report.canvas import (
    CYCLE,
    SOFT,
    blues,
    chart,
    epochs,
    label,
    legend,
    percent,
    scale_bar,
    steps,
)
from hf_dynsel.report.picture import Picture, Section
from hf_dynsel.report.runfolder import SCORES, RunFolder
from hf_dynsel.report.trace import Trace, paint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

BANDS, SINGLES = 200, 120


def selection_section(run: RunFolder, trace: Trace) -> Section:
    """Returns the pictures of which samples each epoch used."""
    title = "Which samples were used when"
    singles = chosen_samples(run, trace)
    if not run.scores:
        return Section(
            title, [singles], [f"The pictures by score need {SCORES}, which is not there."]
        )
    return Section(title, [chosen_by_score(run), chosen_rank(trace), singles])


def chosen_by_score(run: RunFolder) -> Picture:
    """Returns the share used in each epoch, for bands of samples in the order of each score."""
    names = list(run.scores)[:2]
    size = run.summary.size
    bands = min(BANDS, size)
    figure, axes = chart(1, len(names), height=4.2)
    for one, name in zip(axes, names, strict=True):
        order = np.argsort(-run.scores[name], kind="stable")
        rows = np.empty(size, np.int64)
        rows[order] = np.arange(size) * bands // size
        image = _show(one, paint(run, rows, bands), top=1.0)
        percent(one)
        epochs(one, run.summary.epochs)
        label(one, title=f"Samples by {name}")
    label(axes[0], y="rank of the score (top: highest)")
    percent(scale_bar(image, axes, "share of these samples used"))
    return Picture(
        "chosen_by_score",
        f"Share of samples used per epoch, in {bands} bands ordered by {' and by '.join(names)}.",
        f"Each column is an epoch, each row a band of about {size // bands:,} samples of similar "
        "score, highest scores at the top; the darker, the more of the band was trained on. Dark "
        "at the top means that the epoch preferred high scores; an even shade means that the "
        "score did not matter.",
        figure,
    )


def chosen_rank(trace: Trace) -> Picture:
    """Returns the mean score rank of the chosen samples, by epoch."""
    figure, (axes,) = chart()
    for (name, ranks), colour in zip(trace.mean_rank.items(), CYCLE * 9, strict=False):
        steps(axes, ranks, colour, name)
    axes.axhline(0.5, color=SOFT, linewidth=1.2, linestyle="--", label="any random subset")
    epochs(axes, len(trace.sizes))
    axes.set_ylim(0, 1)
    percent(axes)
    legend(axes)
    label(axes, title="Mean score rank of the samples used", y="rank (100 %: highest)")
    peaks = "; ".join(
        f"{name}: {np.nanmin(ranks):.0%} to {np.nanmax(ranks):.0%}, "
        f"highest in epoch {np.nanargmax(ranks) + 1}"
        for name, ranks in trace.mean_rank.items()
    )
    return Picture(
        "chosen_rank",
        f"Mean score rank of the samples used, by epoch. {peaks}.",
        "Above the dashed line an epoch preferred samples that score high, below it samples that "
        f"score low; on it the score made no difference. {peaks}.",
        figure,
    )


def chosen_samples(run: RunFolder, trace: Trace) -> Picture:
    """Returns the epochs in which each of a few samples was used, one row per sample."""
    order = np.argsort(trace.first, kind="stable")
    rows = np.full(run.summary.size, -1)
    shown = order[_spaced(len(order), SINGLES)]
    rows[shown] = np.arange(len(shown))
    figure, (axes,) = chart(height=4.8)
    _show(axes, paint(run, rows, len(shown)), top=float(len(shown)))
    label(
        axes,
        title=f"{len(shown)} samples, in the order of their first use",
        y="sample (top: used first)",
    )
    epochs(axes, run.summary.epochs)
    axes.set_yticks([])
    return Picture(
        "chosen_samples",
        f"Epochs in which each of {len(shown)} samples was used, in the order of their first use.",
        f"Each row is one sample ({len(shown)} of {len(order):,}, evenly spaced in the order of "
        "the epoch they were first used in); dark where an epoch used it. Long bars are samples "
        "used again and again, broken ones are samples that take turns, and an empty row is a "
        "sample never used.",
        figure,
    )


def _spaced(size: int, wanted: int) -> Int[np.ndarray, " m"]:
    return np.unique(np.linspace(0, size - 1, min(size, wanted)).round().astype(np.int64))


def _show(axes: "Axes", picture: Float[np.ndarray, "rows e"], *, top: float) -> "AxesImage":
    """Draws shares from 0 to 1, the first row at the top, and returns the image."""
    axes.grid(visible=False)
    return axes.imshow(
        picture,
        cmap=blues(),
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
        extent=(0, picture.shape[1], 0, top),
    )
