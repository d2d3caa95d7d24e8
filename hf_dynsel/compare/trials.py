"""The trials of a search as a table, best first."""

import json
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from hf_dynsel.compare.formats import csv_text
from hf_dynsel.report.markdown import markdown_table
from hf_dynsel.tune_section import PREFIX

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

ERROR, RUNS = "error", "runs"  # what a trial that ended is marked with: one of them


def ended(study: "Study") -> "list[FrozenTrial]":
    """Returns the trials that were not interrupted, those that failed included."""
    trials = study.get_trials(deepcopy=False)
    return [t for t in trials if t.state.is_finished() and {ERROR, RUNS} & t.user_attrs.keys()]


def write_trials(folder: Path, study: "Study", metric: str) -> None:
    """Writes `trials.md` and `trials.csv`.

    Raises:
        ValueError: if all trials failed.
    """
    trials = sorted(
        ended(study), key=lambda trial: (ERROR in trial.user_attrs, -(trial.value or 0))
    )
    if ERROR in trials[0].user_attrs:
        errors = dict.fromkeys(str(trial.user_attrs[ERROR]) for trial in trials)
        raise ValueError("\n  ".join(["all trials failed:", *errors]))
    rows = [_row(trial, metric) for trial in trials]
    best = " ".join(f"{PREFIX}{name}={_typed(v)}" for name, v in trials[0].params.items())
    intro = f"The best of {len(trials)} trials, by {metric} on the validation split: `{best}`"
    (folder / "trials.md").write_text(f"{intro}\n\n{markdown_table(rows)}\n", encoding="utf-8")
    (folder / "trials.csv").write_text(csv_text(rows), encoding="utf-8", newline="\n")


def _row(trial: "FrozenTrial", metric: str) -> dict[str, str]:
    runs = trial.user_attrs.get(RUNS, [])
    values = [100 * run["value"] for run in runs]
    return {
        "trial": str(trial.number),
        **{name: str(value) for name, value in trial.params.items()},
        f"validation {metric.replace('_', ' ')}, %": f"{fmean(values):.2f}" if runs else "-",
        "std": f"{stdev(values):.2f}" if len(runs) > 1 else "-",
        "samples trained": f"{fmean(run['samples_trained'] for run in runs):.0f}" if runs else "-",
        "seconds per run": f"{fmean(run['seconds'] for run in runs):.1f}" if runs else "-",
        "error": trial.user_attrs.get(ERROR, ""),
    }


def _typed(value: bool | int | float | str | None) -> str:
    """Returns a value as one types it on the command line, in YAML."""
    return value if isinstance(value, str) else json.dumps(value)
