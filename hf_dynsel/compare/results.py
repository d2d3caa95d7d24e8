"""The results of a comparison as files: what was compared, and the summary of every run."""

import json
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from hf_dynsel.compare.cells import Cell
from hf_dynsel.compare.folders import SUMMARY, finished
from hf_dynsel.json_files import read_object
from hf_dynsel.report.summary import Summary, read_summary

SETUP = "setup.json"
Runs = Mapping[int, Summary]


@dataclass(frozen=True)
class Setup:
    """What was compared.

    Args:
        recipe: its name.
        data: name of the loader.
        rule: one of compare_section.Rule.
        epochs: of the recipe, T: what RS2 trains for.
        metric: that decides; higher is better.
        keeps: fractions of the pool.
        seeds: that were asked for.
        jobs: runs at a time, at most.
        budgets: what each run takes, by `keep`: epochs, optimizer steps, samples or seconds.
        methods: section of the selector, by `keep` and label.
        tails: label of the RS2 with the same whole epochs, by `keep` and label.
        notes: what else a reader must know: what failed, what did not fit.
    """

    recipe: str
    data: str
    rule: str
    epochs: int
    metric: str
    keeps: Sequence[float]
    seeds: Sequence[int]
    jobs: int
    budgets: Mapping[str, float]
    methods: Mapping[str, Mapping[str, Mapping[str, Any]]]
    tails: Mapping[str, Mapping[str, str]]
    notes: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True)
class Results:
    """What was compared, and what came of it: runs by `keep`, label and seed."""

    setup: Setup
    runs: Mapping[float, Mapping[str, Runs]]

    @property
    def all_runs(self) -> list[Summary]:
        """Every run."""
        methods = (runs for arm in self.runs.values() for runs in arm.values())
        return [run for runs in methods for run in runs.values()]

    def metric(self, keep: float, label: str) -> dict[int, float]:
        """Returns the metric of each seed."""
        return {seed: run.eval[self.setup.metric] for seed, run in self.runs[keep][label].items()}


def write_results(folder: Path, setup: Setup, cells: Iterable[Cell]) -> None:
    """Writes the setup and the summaries of the finished cells, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for cell in cells:
        if finished(cell):
            target = folder / f"keep-{cell.keep}" / cell.label / f"seed-{cell.seed}.json"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(cell.recipe.folder / SUMMARY, target)
    text = json.dumps(asdict(setup), indent=2)
    (folder / SETUP).write_text(text + "\n", encoding="utf-8")


def read_results(folder: Path) -> Results:
    """Returns what `folder/keep-<keep>/<label>/seed-<seed>.json` and `folder/setup.json` hold.

    Raises:
        ValueError: if a file is missing, or a run is not one of this comparison.
    """
    if not (folder / SETUP).is_file():
        raise ValueError(f"{folder} has no {SETUP}; `hf-dynsel compare` writes it into results/")
    content = read_object(folder / SETUP)
    if {*content} != {f.name for f in fields(Setup)}:
        raise ValueError(f"{folder / SETUP} holds {sorted(content)}; compare writes other keys")
    setup = Setup(**content)
    runs = {keep: _arm(folder / f"keep-{keep}", setup, keep) for keep in setup.keeps}
    if not any(runs.values()):
        raise ValueError(
            f"{folder} holds no run; it should be in keep-<keep>/<label>/seed-<seed>.json"
        )
    return Results(setup, {keep: arm for keep, arm in runs.items() if arm})


def _arm(folder: Path, setup: Setup, keep: float) -> dict[str, dict[int, Summary]]:
    found: dict[str, dict[int, Summary]] = {}
    for file in sorted(folder.glob("*/seed-*.json")):
        run, label = read_summary(file), file.parent.name
        section = setup.methods[str(keep)].get(label)
        if section is None or run.recipe != setup.recipe or run.seed not in setup.seeds:
            raise ValueError(
                f"{file} is a run of {run.recipe}, {label}, seed {run.seed}, which {SETUP} does "
                "not name"
            )
        if (run.selector, run.keep) != (section["name"], section.get("keep")):
            raise ValueError(
                f"{file} is a run of {run.selector} with keep {run.keep}, and by {SETUP} {label} "
                f"is {section['name']} with keep {section.get('keep')}"
            )
        if file.stem != f"seed-{run.seed}" or setup.metric not in run.eval:
            raise ValueError(
                f"{file} has the seed {run.seed} and the metrics {sorted(run.eval)}; it should be "
                f"seed-{run.seed}.json, with {setup.metric}"
            )
        if not math.isfinite(run.eval[setup.metric]):
            raise ValueError(
                f"{file} has {setup.metric} {run.eval[setup.metric]}, which compares with nothing; "
                "leave the file out, or run it again"
            )
        found.setdefault(label, {})[run.seed] = run
    return found
