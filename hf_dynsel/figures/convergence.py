"""The metric while training, against optimizer steps and against samples trained."""

from collections.abc import Mapping
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from hf_dynsel.compare.results import Results
from hf_dynsel.figures.courses import Course, courses, goal_of
from hf_dynsel.figures.methods import left_out, looks, shown
from hf_dynsel.figures.request import Request
from hf_dynsel.report.canvas import SOFT, chart, label, thousands
from hf_dynsel.report.legends import legend_below
from hf_dynsel.report.picture import Picture, Section, Table
from hf_dynsel.suite.measures import REACHED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXES = {"step": "optimizer steps", "samples_trained": "samples trained"}


def convergence(request: Request) -> Section:
    """Returns the metric against steps and samples, with where 90 % of full data's is reached.

    Reference:
        Zhou et al., arXiv 2603.04981, figure 4, against steps alone. Its step@90 is where 90 % of
        accuracy is reached; ours is relative to what full data of the same seed ends with, so
        that it means something on any data.
    """
    if len(several := request.results()) != 1:
        raise ValueError(
            f"the figure 'convergence' is of one comparison, got {len(several)} folders"
        )
    results = several[0]
    names, hidden = shown([results], request.methods)
    pictures, rows = [], []
    for keep in results.runs:
        found = {axis: courses(results, keep, names, axis) for axis in AXES}
        pictures.append(_picture(results, keep, found))
        rows += _rows(keep, found)
    header = ["keep", "method", "seeds", "reached"]
    header += [f"{text}, {what}" for text in AXES.values() for what in ("mean", "std")]
    listed = Table("Steps and samples to 90 percent of full data", header, rows)
    return Section("Convergence", pictures, left_out(hidden), [listed])


def _picture(results: Results, keep: float, found: Mapping[str, Mapping[str, Course]]) -> Picture:
    figure, axes = chart(1, 2, height=4.4, share_y=True)
    goal = goal_of(results, keep)
    for one, (axis, by_name) in zip(axes, found.items(), strict=True):
        _draw(one, by_name, goal)
        label(one, x=AXES[axis])
        thousands(one, "x")
    metric = results.setup.metric.replace("_", " ")
    label(axes[0], title=f"Keep {keep:.0%}", y=f"{metric}, %")
    legend_below(figure, axes[:1], columns=5)
    facts = "; ".join(f"{name}: {_said(course)}" for name, course in found["step"].items())
    return Picture(
        f"convergence_keep-{keep}",
        f"{metric} while training, against steps and samples, at keep {keep}. {facts}.",
        f"Means over seeds, with their standard deviation as bands. The thin line is {REACHED:.0%} "
        f"of what full data ends with; marks are where a method reaches it. {facts}.",
        figure,
        {
            "recipe": results.setup.recipe,
            "keep": keep,
            "metric": results.setup.metric,
            "goal": goal,
            **{axis: {n: _plain(c) for n, c in by_name.items()} for axis, by_name in found.items()},
        },
    )


def _draw(axes: "Axes", by_name: Mapping[str, Course], goal: float | None) -> None:
    if goal is not None:
        axes.axhline(goal, color=SOFT, linewidth=1, label=f"{REACHED:.0%} of full data")
    for name, look in looks(list(by_name)).items():
        course, line = by_name[name], {**look, "marker": ""}
        axes.plot(course.places, course.mean, label=name, linewidth=1.8, **line)
        low, high = course.mean - course.std, course.mean + course.std
        axes.fill_between(course.places, low, high, color=look["color"], alpha=0.12, linewidth=0)
        if goal is not None and course.mean_reached is not None:
            mark: dict[str, Any] = {"marker": look["marker"] or "P", "color": look["color"]}
            edge: dict[str, Any] = {"markeredgecolor": "white", "markersize": 8, "zorder": 5}
            axes.plot(course.mean_reached, goal, **mark, **edge)


def _said(course: Course) -> str:
    place, got = course.mean_reached, sum(p is not None for p in course.reached.values())
    if place is not None:
        return f"90 % after {place:,.0f} steps"
    return f"90 % in {got} of {len(course.reached)} seeds"


def _plain(course: Course) -> dict[str, Any]:
    return {
        "places": course.places.tolist(),
        "mean": course.mean.tolist(),
        "std": course.std.tolist(),
        "reached": {str(seed): place for seed, place in course.reached.items()},
    }


def _rows(keep: float, found: Mapping[str, Mapping[str, Course]]) -> list[list[str]]:
    rows = []
    for name, course in found["step"].items():
        got = [place for place in course.reached.values() if place is not None]
        row = [f"{keep}", name, str(len(course.reached)), str(len(got))]
        for axis in AXES:
            places = [p for p in found[axis][name].reached.values() if p is not None]
            row += [
                f"{fmean(places):.1f}" if places else "",
                f"{stdev(places):.1f}" if len(places) > 1 else "",
            ]
        rows.append(row)
    return rows
