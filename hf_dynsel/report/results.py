"""Renders the results of many runs as one table: mean and spread over seeds, cost included."""

from pathlib import Path
from statistics import mean, stdev

from hf_dynsel.report.summary import Summary, read_summary

HEAD = ("method", "seeds", "test accuracy, %", "samples trained", "fewer samples", "extra, s")


def results_table(folder: Path) -> str:
    """Returns a Markdown table of `folder/<method>/<seed>.json`, one row per method, best first.

    The files are `summary.json` of runs of one recipe. Spread is the sample standard deviation over
    seeds. `extra` is the time of features, autoencoder, scores and selection, of the seed that took
    longest: the others may have found them in the cache.

    Raises:
        ValueError: if there is no result, or results of several recipes or of other data.
    """
    methods = {
        path.name: [read_summary(file) for file in sorted(path.glob("*.json"))]
        for path in sorted(folder.iterdir())
        if path.is_dir()
    }
    runs = [run for group in methods.values() for run in group]
    if not runs:
        raise ValueError(f"{folder} has no results; it should hold <method>/<seed>.json")
    if len({(run.recipe, run.samples_full) for run in runs}) > 1:
        raise ValueError(f"the results in {folder} are of several recipes; compare one at a time")
    ordered = sorted(methods.items(), key=lambda item: -mean(_accuracy(run) for run in item[1]))
    rows = [HEAD, tuple("---" for _ in HEAD), *(_row(name, group) for name, group in ordered)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n\n" + _origin(runs)


def _row(name: str, runs: list[Summary]) -> tuple[str, ...]:
    accuracies = [100 * _accuracy(run) for run in runs]
    spread = f" ± {stdev(accuracies):.2f}" if len(runs) > 1 else ""
    return (
        name.replace("_", " "),
        str(len(runs)),
        f"{mean(accuracies):.2f}{spread}",
        f"{mean(run.samples_trained for run in runs):,.0f} of {runs[0].samples_full:,}",
        f"{mean(run.saving for run in runs):.2f}×",
        f"{max(run.overhead_seconds for run in runs):.1f}",
    )


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
