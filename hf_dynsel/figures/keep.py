"""The metric against the fraction kept, one line per method."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from hf_dynsel.compare.results import Results
from hf_dynsel.compare_section import FULL_DATA
from hf_dynsel.figures.methods import left_out, looks, shown
from hf_dynsel.figures.request import Request
from hf_dynsel.report.canvas import chart, label, ticks
from hf_dynsel.report.legends import legend_below
from hf_dynsel.report.picture import Picture, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Line = Mapping[float, tuple[float, float | None]]  # mean and spread, by fraction


def keep(request: Request) -> Section:
    """Returns the metric against the fraction kept, one panel per comparison.

    Reference:
        Zhou et al., arXiv 2603.04981, figure 5, without spread: VGG-16 on Tiny-ImageNet and a
        small ViT on CIFAR-10.
    """
    several = request.results()
    names, hidden = shown(several, request.methods)
    panels = [
        {name: found for name in names if (found := line(results, name))} for results in several
    ]
    figure, axes = chart(1, len(panels), height=4.4)
    for one, results, panel in zip(axes, several, panels, strict=True):
        _draw(one, panel, looks(names))
        title = results.setup.recipe if len(panels) > 1 else ""
        metric = results.setup.metric.replace("_", " ")
        label(one, title=title, x="share of the training set kept per epoch", y=f"{metric}, %")
    legend_below(figure, axes, columns=4)
    return Section("The metric against keep", [_picture(figure, several, panels)], left_out(hidden))


def line(results: Results, name: str) -> Line:
    """Returns mean and standard deviation over seeds in per cent, by the fraction kept."""
    found = {}
    for fraction, arm in sorted(results.runs.items()):
        if name in arm:
            values = [100 * value for value in results.metric(fraction, name).values()]
            found[fraction] = (fmean(values), stdev(values) if len(values) > 1 else None)
    return found


def _draw(axes: "Axes", panel: Mapping[str, Line], look: Mapping[str, dict[str, Any]]) -> None:
    keeps = sorted({fraction for line in panel.values() for fraction in line})
    width = (keeps[-1] - keeps[0]) * 0.012  # apart, so that bars do not hide one another
    for place, (name, found) in enumerate(panel.items()):
        means = [mean for mean, _ in found.values()]
        spreads = [spread or 0.0 for _, spread in found.values()]
        if name == FULL_DATA:  # the same runs for all fractions
            axes.axhline(means[0], label=name, linewidth=1.5, **look[name])
            ends = (means[0] - spreads[0], means[0] + spreads[0])
            axes.axhspan(*ends, color=look[name]["color"], alpha=0.12, linewidth=0)
        else:
            places = [fraction + (place - len(panel) / 2) * width for fraction in found]
            axes.errorbar(
                places, means, spreads, label=name, linewidth=1.6, capsize=2, **look[name]
            )
    ticks(axes, keeps, [f"{fraction:.0%}" for fraction in keeps])
    axes.margins(x=0.08)


def _picture(
    figure: Any, several: Sequence[Results], panels: Sequence[Mapping[str, Line]]
) -> Picture:
    numbers = [
        {
            "recipe": results.setup.recipe,
            "rule": results.setup.rule,
            "metric": results.setup.metric,
            "seeds": list(results.setup.seeds),
            "methods": {
                name: [
                    {"keep": fraction, "mean": mean, "std": spread}
                    for fraction, (mean, spread) in found.items()
                ]
                for name, found in panel.items()
            },
        }
        for results, panel in zip(several, panels, strict=True)
    ]
    first = several[0].setup
    return Picture(
        "keep",
        f"{first.metric} against the share kept, for {', '.join(panels[0])}.",
        f"Means over seeds {', '.join(map(str, first.seeds))}, and their standard deviation as "
        f"bars; runs are matched by {first.rule.replace('_', ' ')}. The dashed line is full data.",
        figure,
        {"comparisons": numbers},
    )
