"""Renders the results of many runs as one table: mean and spread over seeds, cost included."""

from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev

from hf_dynsel.report.markdown import markdown_table
from hf_dynsel.report.stage_table import stage_table
from hf_dynsel.report.summary import Summary, read_summary

Cells = Callable[[list[Summary]], str]


def results_table(folder: Path) -> str:
    """Returns a Markdown table of `folder/<method>/<seed>.json`, one row per method, best first.

    The files are `summary.json` of runs of one recipe. Spread is the sample standard deviation over
    seeds. `extra` is the time of features, autoencoder, adapters, scores, looks and selection, of
    the seed that took longest: the others may have found some in the cache. Samples looked at, and
    wrong labels in epochs that select, have columns where there are any.

    Raises:
        ValueError: if there is no result, or results of several recipes or of other data.
    """
    methods = _methods(folder)
    runs = [run for group in methods.values() for run in group]
    columns = _columns(runs)
    rows = [
        {"method": name, **{title: cell(group) for title, cell in columns.items()}}
        for name, group in methods.items()
    ]
    return f"{markdown_table(rows)}\n\n{_origin(runs)}"


def results_stages(folder: Path) -> str:
    """Returns a Markdown table of the seconds of each stage, by method, in the same order.

    Raises:
        ValueError: as `results_table` does.
    """
    methods = _methods(folder)
    return stage_table(methods, next(iter(methods.values()))[0].epochs)


def _methods(folder: Path) -> dict[str, list[Summary]]:
    """Returns the runs of each method, the best first."""
    methods = {
        path.name.replace("_", " "): [read_summary(file) for file in sorted(path.glob("*.json"))]
        for path in sorted(folder.iterdir())
        if path.is_dir()
    }
    runs = [run for group in methods.values() for run in group]
    if not runs:
        raise ValueError(f"{folder} has no results; it should hold <method>/<seed>.json")
    if len({(run.recipe, run.samples_full) for run in runs}) > 1:
        raise ValueError(f"the results in {folder} are of several recipes; compare one at a time")
    return dict(sorted(methods.items(), key=lambda item: -mean(_accuracy(r) for r in item[1])))


def _columns(runs: list[Summary]) -> dict[str, Cells]:
    """Returns what each column says of the runs of a method."""
    columns: dict[str, Cells] = {
        "seeds": lambda group: str(len(group)),
        "test accuracy, %": lambda group: _spread([100 * _accuracy(run) for run in group]),
    }
    if any(run.label_noise for run in runs):
        columns["wrong labels, %"] = lambda group: _spread(
            [100 * (run.wrong_selected or 0.0) for run in group]
        )
    columns["samples trained"] = lambda group: (
        f"{mean(run.samples_trained for run in group):,.0f} of {group[0].samples_full:,}"
    )
    columns["fewer samples"] = lambda group: f"{mean(run.saving for run in group):.2f}×"
    if any(run.samples_swept for run in runs):
        columns["looked at"] = lambda group: f"{mean(run.samples_swept for run in group):,.0f}"
    columns["extra, s"] = lambda group: f"{max(run.overhead_seconds for run in group):.1f}"
    return columns


def _spread(values: list[float]) -> str:
    spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{mean(values):.2f}{spread}"


def _accuracy(run: Summary) -> float:
    return run.eval["accuracy"]


def _origin(runs: list[Summary]) -> str:
    seen = runs[0].environment
    packages = seen["packages"]
    where = ", ".join(seen["devices"]) or f"{seen['cpu']}, {seen['torch_threads']} thread"
    versions = ", ".join(f"{name} {packages[name]}" for name in ("torch", "transformers"))
    commits = ", ".join(sorted({str(run.environment["commit"]) for run in runs}))
    seeds = ", ".join(str(seed) for seed in sorted({run.seed for run in runs}))
    return (
        f"`{runs[0].recipe}`, {runs[0].epochs} epochs, seeds {seeds}; {where}; {versions}; "
        f"commit {commits}."
    )
