"""Figures of which the report of a run has a relative: use, scores, examples and dynamics."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hf_dynsel.figures.material import Material
from hf_dynsel.figures.request import Request
from hf_dynsel.report.dynamics_figure import dynamics_section
from hf_dynsel.report.examples import example_section
from hf_dynsel.report.picture import Section
from hf_dynsel.report.score_figures import histograms
from hf_dynsel.report.trace import follow
from hf_dynsel.report.usage_curve import Use, usage_curve
from hf_dynsel.scaling import minmax


def usage(request: Request) -> Section:
    """Returns how often each sample was used, sorted, one line per run.

    Reference:
        Zhou et al., arXiv 2603.04981, figure 8. It has one panel for all samples; where the true
        labels are known, we show those with wrong ones apart.
    """
    runs = request.runs()
    uses = [Use(follow(one.run).counts, one.run.summary.epochs, one.wrong) for one in runs]
    named = dict(zip(run_names(runs), uses, strict=True))
    return Section("How evenly samples were used", [usage_curve(named)])


def run_names(runs: Sequence[Material]) -> list[str]:
    """Returns a name for each run: what it is and, where that is not enough, its folder."""
    names = []
    for one in runs:
        found = one.run.summary
        kept = "" if found.keep is None else f", keep {found.keep:g}"
        names.append(f"{found.selector}{kept}, seed {found.seed}")
    if len(set(names)) == len(names):
        return names
    return [
        f"{name}, {Path(*one.folder.resolve().parts[-2:])}"
        for name, one in zip(names, runs, strict=True)
    ]


def scores(request: Request) -> Section:
    """Returns the distributions of the scores, min-max normalised.

    Reference:
        Zhou et al., arXiv 2603.04981, figure 10 and appendix D.1, which finds them nearly normal
        with means near 0.2; the numbers beside the chart have mean and skewness to check it.
    """
    found = request.run().scored.scores
    scaled = {name: minmax(values) for name, values in found.items()}
    return Section("Scores", [histograms(scaled, "score, min-max normalised")])


def examples(request: Request) -> Section:
    """Returns the samples of a class that each score ranks highest and lowest.

    Texts are shown only where the recipe's `dataset.show_texts` allows it.

    Reference:
        Zhou et al., arXiv 2603.04981, figure 11, which shows the highest alone.
    """
    one = request.run()
    names = one.score_class_names
    texts = bool(one.recipe.dataset.get("show_texts", False))
    parts = [
        example_section(one.scored, one.dataset, names, show_texts=texts, of_class=number)
        for number in request.class_numbers(names, [0])
    ]
    return Section(
        "Highest and lowest scores",
        [picture for part in parts for picture in part.pictures],
        sorted({sentence for part in parts for sentence in part.missing}),
        [table for part in parts for table in part.tables],
    )


def dynamics(request: Request) -> Section:
    """Returns the mean scores of the samples that each epoch used, with alpha(t).

    Reference:
        Zhou et al., arXiv 2603.04981, figure 12, which shows the samples of one class.
    """
    one = request.run(traced=True)
    if not request.classes:
        return dynamics_section(one.scored)
    numbers = request.class_numbers(one.class_names, [])
    among = np.isin(one.labels, numbers)
    return dynamics_section(one.scored, among, f"of class {', '.join(request.classes)}")
