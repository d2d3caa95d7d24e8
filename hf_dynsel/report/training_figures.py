"""The schedule of the run and its learning curves, from the trainer's log."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from hf_dynsel.report.canvas import (
    BLUE,
    CYCLE,
    GREEN,
    GRID,
    SOFT,
    VERMILION,
    chart,
    epochs,
    label,
    legend,
    steps,
    thousands,
)
from hf_dynsel.report.history import curve, diagnostics, metric_names
from hf_dynsel.report.picture import Picture, Section
from hf_dynsel.report.runfolder import HISTORY, RunFolder
from hf_dynsel.report.trace import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_POINTS = 40
KNOWN = {"alpha": "α(t): weight of representativeness against diversity"}


def training_section(run: RunFolder, trace: Trace) -> Section:
    """Returns the schedule and the learning curves."""
    title = "Training"
    if not run.history:
        needs = f"The learning curves, the learning rate and α(t) need {HISTORY}, which is missing."
        return Section(title, [schedule(run, trace)], [needs])
    panels = _panels(run)
    if not panels:
        needs = f"The learning curves need logged losses or metrics; {HISTORY} has none."
        return Section(title, [schedule(run, trace)], [needs])
    return Section(title, [learning_curves(run, panels), schedule(run, trace)])


def schedule(run: RunFolder, trace: Trace) -> Picture:
    """Returns what changed from epoch to epoch: size, the selector's own numbers, learning rate."""
    num_epochs, full = run.summary.epochs, run.summary.size
    reported = diagnostics(run.history, num_epochs)
    rate = curve(run.history, "learning_rate")
    rows = 1 + len(reported) + bool(len(rate.values))
    figure, axes = chart(rows, height=0.6 + 1.7 * rows, share_x=True)
    _sizes(axes[0], trace, full)
    for one, (name, values) in zip(axes[1:], reported.items(), strict=False):
        steps(one, values, VERMILION, name)
        label(one, title=KNOWN.get(name, name))
    if len(rate.values):
        axes[-1].plot(rate.epochs, rate.values, color=GREEN, linewidth=2)
        axes[-1].set_ylim(0, rate.values.max() * 1.08)
        label(axes[-1], title="Learning rate")
    epochs(axes[-1], num_epochs)
    shown = ["samples per epoch", *reported, *(["learning rate"] if len(rate.values) else [])]
    sizes = f"{trace.sizes.min():,} to {trace.sizes.max():,} of {full:,} samples per epoch"
    return Picture(
        "schedule",
        f"Curves over the epochs: {', '.join(shown)}. {sizes}.",
        f"What the run changed from epoch to epoch, on one time axis: {', '.join(shown)}. It used "
        f"{sizes}.",
        figure,
    )


def _sizes(axes: "Axes", trace: Trace, full: int) -> None:
    axes.stairs(trace.sizes, np.arange(len(trace.sizes) + 1), fill=True, color=BLUE)
    axes.axhline(full, color=SOFT, linewidth=1.2, linestyle="--")
    axes.set_ylim(0, full * 1.12)
    thousands(axes)
    label(axes, title=f"Samples per epoch (dashed: all {full:,})")


def learning_curves(
    run: RunFolder, panels: dict[str, dict[str, Float[np.ndarray, "p 2"]]]
) -> Picture:
    """Returns losses and metrics, against epochs and against samples trained."""
    figure, axes = chart(len(panels), 2, height=0.4 + 2.9 * len(panels))
    for row, (title, curves) in enumerate(panels.items()):
        by_epoch, by_sample = axes[2 * row : 2 * row + 2]
        _draw(by_epoch, by_sample, curves, run)
        epochs(by_epoch, run.summary.epochs)
        _until_full(by_sample, run)
        label(by_epoch, title=title)
        legend(by_epoch)
    shown = ", ".join(name for curves in panels.values() for name in curves)
    return Picture(
        "curves",
        f"Learning curves against epochs and against samples trained: {shown}.",
        "Left: against epochs, where a smaller epoch looks as long as a full one. Right: against "
        "the samples that were trained on, which is what the run paid; the grey part is what "
        f"training on all data ({run.summary.samples_full:,} samples) would have added. The curve "
        "of a full-data run is not drawn: this report knows only its own run.",
        figure,
    )


def _draw(
    by_epoch: "Axes",
    by_sample: "Axes",
    curves: dict[str, Float[np.ndarray, "p 2"]],
    run: RunFolder,
) -> None:
    """Draws curves over epochs, and over the samples trained by then."""
    spent = np.append(0, np.cumsum(run.summary.samples_per_epoch))
    for (name, points), colour in zip(curves.items(), CYCLE * 9, strict=False):
        look: dict[str, Any] = {"color": colour, "linewidth": 2, "label": name}
        if len(points) <= FEW_POINTS:
            look |= {"marker": "o", "markersize": 3}
        trained = np.interp(points[:, 0], np.arange(len(spent)), spent)
        by_epoch.plot(points[:, 0], points[:, 1], **look)
        by_sample.plot(trained, points[:, 1], **look)


def _until_full(axes: "Axes", run: RunFolder) -> None:
    """Extends the x axis to the samples that full-data training would have taken."""
    trained, full = run.summary.samples_trained, run.summary.samples_full
    axes.set_xlim(0, full)
    if trained < full:
        axes.axvspan(trained, full, color=GRID, alpha=0.6, linewidth=0)
        axes.text(
            (trained + full) / 2,
            0.5,
            f"not trained\n({1 - trained / full:.1%} of all data)",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="center",
            fontsize=9,
            color=SOFT,
        )
    thousands(axes, "x")
    label(axes, x="samples trained")


def _panels(run: RunFolder) -> dict[str, dict[str, Float[np.ndarray, "p 2"]]]:
    """Returns the curves by panel: losses, metrics between 0 and 1, and the others."""
    metrics = {name: _points(run, f"eval_{name}") for name in metric_names(run.history)}
    shares = {n: p for n, p in metrics.items() if p[:, 1].min() >= 0 and p[:, 1].max() <= 1}
    panels = {
        "Loss": {"training": _points(run, "loss"), "evaluation": _points(run, "eval_loss")},
        "Evaluation metrics": shares,
        "Other evaluation metrics": {n: p for n, p in metrics.items() if n not in shares},
    }
    kept = {title: {n: p for n, p in of.items() if len(p)} for title, of in panels.items()}
    return {title: of for title, of in kept.items() if of}


def _points(run: RunFolder, name: str) -> Float[np.ndarray, "p 2"]:
    found = curve(run.history, name)
    return np.stack([found.epochs, found.values], axis=1)
