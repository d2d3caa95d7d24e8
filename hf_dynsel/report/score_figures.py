"""How the scores are spread, and how the first two go together."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from scipy.stats import skew, spearmanr

from hf_dynsel.report.canvas import (
    BLUE,
    INK,
    VERMILION,
    blues,
    chart,
    label,
    scale_bar,
    thousands,
)
from hf_dynsel.report.picture import Picture, Section
from hf_dynsel.report.runfolder import SCORES, RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 60


def score_section(run: RunFolder) -> Section:
    """Returns the histograms of all scores and the joint plot of the first two."""
    if not run.scores:
        return Section("Scores", missing=[f"The score figures need {SCORES}, which is not there."])
    pictures = [histograms(run.scores)]
    missing = []
    if len(run.scores) > 1:
        pictures.append(joint(run.scores))
    else:
        missing.append("The joint plot needs two scores; this run has one.")
    return Section("Scores", pictures, missing)


def histograms(
    scores: Mapping[str, Float[np.ndarray, " n"]],
    scale: str = "score (higher: more worth keeping)",
) -> Picture:
    """Returns one histogram per score, with its median.

    Args:
        scores: by name.
        scale: what the values are.
    """
    columns = min(len(scores), 2)
    rows = -(-len(scores) // columns)
    figure, axes = chart(rows, columns, height=3.2 * rows)
    for one, (name, values) in zip(axes, scores.items(), strict=False):
        one.hist(values, bins=BINS, color=BLUE)
        _mark(one, float(np.median(values)))
        thousands(one)
        label(one, title=name, x=scale, y="samples")
    for unused in axes[len(scores) :]:
        unused.set_axis_off()
    facts = "; ".join(f"{name}: {_spread(values)}" for name, values in scores.items())
    return Picture(
        "scores",
        f"Histograms of the scores. {facts}.",
        "How many samples have which score. A long tail to the right means that a few samples "
        f"stand out; a narrow peak means that the score tells most samples apart poorly. {facts}.",
        figure,
        {name: _numbers(values) for name, values in scores.items()},
    )


def _mark(axes: "Axes", median: float) -> None:
    """Draws a line at the median, with its value on a white ground."""
    axes.axvline(median, color=VERMILION, linewidth=2)
    axes.annotate(
        f" median {median:.3g}",
        (median, 0.97),
        xycoords=("data", "axes fraction"),
        va="top",
        fontsize=9,
        color=INK,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0},
    )


def joint(scores: Mapping[str, Float[np.ndarray, " n"]]) -> Picture:
    """Returns the density of the first two scores against each other."""
    (x_name, x), (y_name, y) = list(scores.items())[:2]
    figure, (axes,) = chart(height=4.8)
    cells = axes.hexbin(x, y, gridsize=48, mincnt=1, bins="log", cmap=blues(0.2), linewidths=0.1)
    thousands(scale_bar(cells, [axes], "samples per cell (logarithmic)"))
    label(axes, title=f"{y_name} against {x_name}", x=x_name, y=y_name)
    relation = _relation(x, y)
    return Picture(
        "scores_joint",
        f"Density of {y_name} against {x_name}. {relation}",
        f"Each cell is a pair of values; the darker, the more samples. {relation}",
        figure,
    )


def _numbers(values: Float[np.ndarray, " n"]) -> dict[str, Any]:
    counts, edges = np.histogram(values, BINS)
    exact = values.astype(np.float64)
    return {
        "mean": float(exact.mean()),
        "std": float(exact.std()),
        "median": float(np.median(exact)),
        "skewness": float(skew(exact)) if np.ptp(exact) else 0.0,
        "edges": edges.tolist(),
        "counts": counts.tolist(),
    }


def _spread(values: Float[np.ndarray, " n"]) -> str:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return f"median {middle:.3g}, 90 % of the samples between {low:.3g} and {high:.3g}"


def _relation(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> str:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return "One of the two is the same for all samples."
    correlation = float(spearmanr(x, y).statistic)
    meaning = "the two scores say different things about a sample"
    if correlation > 0.5:
        meaning = "the two scores mostly agree on which samples to keep"
    if correlation < -0.5:
        meaning = "what one score ranks high, the other mostly ranks low"
    return f"Their rank correlation is {correlation:+.2f}: {meaning}."
