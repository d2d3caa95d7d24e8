"""What a method gains over RS2 with the same whole epochs, in every setting that was compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean
from typing import TYPE_CHECKING, Any

from hf_dynsel.compare.results import Results
from hf_dynsel.compare.statistics import Difference, difference
from hf_dynsel.compare_section import RS2
from hf_dynsel.figures.methods import looks
from hf_dynsel.figures.request import Request
from hf_dynsel.report.canvas import INK, chart, label, ticks
from hf_dynsel.report.legends import legend_below
from hf_dynsel.report.picture import Picture, Section, Table
from hf_dynsel.suite.files import SUITE, read_suite

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHOD, SURROGATE = "RepDiv", "surrogate_"  # what all suites that can run on a CPU start with


@dataclass(frozen=True)
class Gain:
    """What a method gained in one setting, in points of the metric in per cent.

    Args:
        setting: name of the comparison, and the fraction kept.
        method: label.
        mean: of the method.
        baseline: label of what it is compared with.
        baseline_mean: mean of that.
        gained: paired by seed.
    """

    setting: str
    method: str
    mean: float
    baseline: str
    baseline_mean: float
    gained: Difference


def gains(request: Request) -> Section:
    """Returns the gain of a method over RS2 with its whole epochs, one line per setting.

    Folders are of comparisons or of suites. Settings whose runs are those of an earlier one are
    left out.

    Raises:
        ValueError: if no comparison has the method.
    """
    methods = list(request.methods) or [METHOD]
    found = list(_gains(request, methods))
    if not found:
        raise ValueError(
            f"no comparison has the method {', '.join(methods)}; --method names others"
        )
    settings = list(dict.fromkeys(gain.setting for gain in found))
    figure, (axes,) = chart(height=1.5 + len(settings) * (0.16 + 0.07 * len(methods)))
    _draw(axes, found, settings, methods)
    if len(methods) > 1:
        legend_below(figure, [axes], columns=4)
    picture = Picture(
        "gains",
        f"What {', '.join(methods)} gained over RS2 with the same whole epochs in "
        f"{len(settings)} settings; see the table.",
        "Differences paired by seed, in points, with 95 % intervals of Student's t that are not "
        "corrected for their number. Right of zero the method is better than RS2 with the same "
        "whole epochs.",
        figure,
        {"settings": [_numbers(gain) for gain in found]},
    )
    return Section("Gains", [picture], tables=[_table(found)])


def _gains(request: Request, methods: Sequence[str]) -> Iterator[Gain]:
    """Yields the gains of methods by setting, each set of runs once."""
    seen = set()
    for setting, results in _comparisons(request):
        for keep, method in product(results.runs, methods):
            arm = results.runs[keep]
            baseline = results.setup.tails.get(str(keep), {}).get(method, RS2)
            if not {method, baseline} <= arm.keys():
                continue
            ours, theirs = (_percent(results.metric(keep, name)) for name in (method, baseline))
            gained = difference(ours, theirs)
            runs = (method, *ours.items(), *theirs.items())
            if gained is None or runs in seen:
                continue
            seen.add(runs)
            means = fmean(ours.values()), fmean(theirs.values())
            yield Gain(f"{setting}, {keep:.0%}", method, means[0], baseline, means[1], gained)


def _comparisons(request: Request) -> Iterator[tuple[str, Results]]:
    """Yields every comparison with a name, the members of suites among them."""
    for folder in request.folders:
        suite = next((f for f in (folder, folder / "results") if (f / SUITE).is_file()), None)
        if suite is None:
            (results,) = Request(request.name, [folder], request.overrides).results()
            yield results.setup.recipe, results
        else:
            of_suite = read_suite(suite)
            for member, results in of_suite.results.items():
                yield f"{of_suite.suite.suite.removeprefix(SURROGATE)}: {member}", results


def _percent(values: Mapping[int, float]) -> dict[int, float]:
    return {seed: 100 * value for seed, value in values.items()}


def _draw(
    axes: "Axes", found: Sequence[Gain], settings: Sequence[str], methods: Sequence[str]
) -> None:
    look: Mapping[str, dict[str, Any]] = looks(methods)
    axes.axvline(0, color=INK, linewidth=1)
    for number, method in enumerate(methods):
        own = [gain for gain in found if gain.method == method]
        shift = 0.5 * ((number + 0.5) / len(methods) - 0.5)
        places = [settings.index(gain.setting) + shift for gain in own]
        means = [gain.gained.mean for gain in own]
        widths = [0.0 if g.gained.high is None else g.gained.high - g.gained.mean for g in own]
        of_method = look[method] | {"linestyle": ""}
        axes.errorbar(means, places, xerr=widths, label=method, capsize=2, **of_method)
    ticks(axes, range(len(settings)), settings, "y")
    axes.set_ylim(len(settings) - 0.4, -0.6)
    label(axes, x="gain over RS2 with the same whole epochs, points")


def _numbers(gain: Gain) -> dict[str, Any]:
    return {
        "setting": gain.setting,
        "method": gain.method,
        "mean": gain.mean,
        "baseline": gain.baseline,
        "baseline mean": gain.baseline_mean,
        "seeds": gain.gained.seeds,
        "gain": gain.gained.mean,
        "low": gain.gained.low,
        "high": gain.gained.high,
    }


def _table(found: Sequence[Gain]) -> Table:
    header = ["setting", "method", "seeds", "mean", "baseline", "its mean", "gain", "low", "high"]
    rows = [
        [
            gain.setting,
            gain.method,
            str(gain.gained.seeds),
            f"{gain.mean:.2f}",
            gain.baseline,
            f"{gain.baseline_mean:.2f}",
            f"{gain.gained.mean:+.2f}",
            "-" if gain.gained.low is None else f"{gain.gained.low:+.2f}",
            "-" if gain.gained.high is None else f"{gain.gained.high:+.2f}",
        ]
        for gain in found
    ]
    return Table("Gains over RS2 with the same whole epochs", header, rows)
