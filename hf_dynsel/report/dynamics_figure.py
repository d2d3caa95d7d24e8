"""What the samples of each epoch score on average, beside the weight that chose them."""

import numpy as np
from jaxtyping import Bool, Float

from hf_dynsel.report.canvas import CYCLE, INK, SOFT, chart, epochs, label, legend, steps
from hf_dynsel.report.history import diagnostics
from hf_dynsel.report.picture import Picture, Section
from hf_dynsel.report.runfolder import HISTORY, RunFolder
from hf_dynsel.report.trace import epochs_of
from hf_dynsel.scaling import minmax

ALPHA = "alpha"


def dynamics_section(
    run: RunFolder, among: Bool[np.ndarray, " n"] | None = None, what: str = ""
) -> Section:
    """Returns the mean scores of the samples that each epoch used, and alpha(t).

    Args:
        run: the run, with scores.
        among: samples that are looked at; None for all.
        what: they are, in words.
    """
    within = np.ones(run.summary.size, bool) if among is None else among
    scaled = {name: minmax(values.astype(np.float64)) for name, values in run.scores.items()}
    means = mean_scores(run, scaled, within)
    alpha = diagnostics(run.history, run.summary.epochs).get(ALPHA)
    needs = f"The weight α(t) needs a log of a selector that has one; {HISTORY} has none."
    picture = _picture(run, means, {n: float(v[within].mean()) for n, v in scaled.items()}, alpha)
    title = f"What the samples used score{f', {what}' if what else ''}"
    return Section(title, [picture], [] if alpha is not None else [needs])


def mean_scores(
    run: RunFolder, scores: dict[str, Float[np.ndarray, " n"]], among: Bool[np.ndarray, " n"]
) -> dict[str, Float[np.ndarray, " e"]]:
    """Returns the mean of each score over the samples of each epoch; NaN where there is none.

    Args:
        run: with the selections.
        scores: by name.
        among: samples that count.
    """
    means = {name: np.full(run.summary.epochs, np.nan) for name in scores}
    for epoch, indices in epochs_of(run):
        counted = indices[among[indices]]
        for name, values in scores.items():
            if len(counted):
                means[name][epoch] = values[counted].mean()
    return means


def _picture(
    run: RunFolder,
    means: dict[str, Float[np.ndarray, " e"]],
    whole: dict[str, float],
    alpha: Float[np.ndarray, " e"] | None,
) -> Picture:
    rows = 1 if alpha is None else 2
    figure, axes = chart(rows, height=2.2 + 1.5 * rows, share_x=True, heights=[2.2, 1][:rows])
    for (name, values), colour in zip(means.items(), CYCLE * 9, strict=False):
        steps(axes[0], values, colour, name)
        axes[0].axhline(whole[name], color=colour, linewidth=1.2, linestyle="--")
    axes[0].axhline(np.nan, color=SOFT, linewidth=1.2, linestyle="--", label="whole training set")
    axes[0].set_ylim(bottom=0)
    legend(axes[0])
    label(axes[0], title="Mean score of the samples used", y="score, min-max normalised")
    if alpha is not None:
        steps(axes[1], alpha, INK, "α(t)")
        axes[1].set_ylim(0, 1.05)
        label(axes[1], title="α(t): weight of representativeness against diversity")
    epochs(axes[-1], run.summary.epochs)
    facts = "; ".join(
        f"{name}: {np.nanmin(values):.2f} to {np.nanmax(values):.2f}, {whole[name]:.2f} in all data"
        for name, values in means.items()
    )
    return Picture(
        "dynamics",
        f"Mean normalised scores of the samples used, by epoch. {facts}.",
        "Above its dashed line, an epoch preferred samples that score high; on it, the score made "
        f"no difference, as in epochs on all data. {facts}.",
        figure,
        {
            "mean": {name: _plain(values) for name, values in means.items()},
            "mean_of_all_data": whole,
            ALPHA: None if alpha is None else _plain(alpha),
        },
    )


def _plain(values: Float[np.ndarray, " e"]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
