"""Kills real training over and over, resumes it, and compares it with a run that was left alone.

`python tests/fault_injection.py --kills 50 --seed 0 --output result.json` writes what was killed
where, and every difference: of the samples of each batch, the use of each sample, the selector's
state, the losses logged, the choice of the best checkpoint, the weights and the optimizer, bit for
bit. The first kills are at points that the training names itself, in a fixed order; after these,
half are at random times. Each run is moved to another folder once.

The modules are imported once; every process of a run is a fork of this one, which does not train.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fault_run import EVALUATION, SELECTORS, SETTINGS, TRAIN, Kill, Victim, images, train
from hf_dynsel.environment import environment
from hf_dynsel.resume import faults

FORK = multiprocessing.get_context("fork")
RANDOM = "at a random time"
PER_RUN, MOVED_AFTER = 8, 3  # kills
PATIENCE = 300  # seconds until a process counts as hung
POINTS = (
    # One of each kind first, for a short check.
    "in mid-accumulation",
    "writing trainer_state.json",
    "evaluating",
    "writing selection.safetensors",
    RANDOM,
    "removing checkpoint-N",
    "writing epoch-N.tmp",
    "writing selections.tmp",
    "before a step",
    "writing model.safetensors",
    "writing optimizer.pt",
    "before selection.json",
    "after an optimizer step",
    "before the run begins",
    "before epoch-N.parquet",
    "before loading the best model",
    "writing scheduler.pt",
    "writing selection.json.tmp",
    "writing rng_state.pth",
    "before selections.parquet",
    "writing training_args.bin",
    "removing selections",
    "after the end",
)

ONCE = {  # in every process
    "before the run begins",
    "before loading the best model",
    "before selections.parquet",
    "removing selections",
    "after the end",
}
OFTEN = {"before a step", "in mid-accumulation", "after an optimizer step"}


@dataclass
class Run:
    """One training run, which may take several processes."""

    folder: Path
    selector: str
    notes: list[dict[str, Any]] = field(default_factory=list)
    kills: list[tuple[Any, str]] = field(default_factory=list)
    fallbacks: int = 0

    @property
    def output(self) -> Path:
        """The run's folder, which moves once."""
        return self.folder / ("moved" if len(self.kills) >= MOVED_AFTER else "run")

    @property
    def end(self) -> dict[str, Any]:
        """What the run left."""
        return next(note["ends"] for note in reversed(self.notes) if "ends" in note)

    def die(self, kill: Kill | None, where: str) -> None:
        before = self.output
        self.kills.append((kill, where))
        before.rename(self.output)


def plan(count: int, seed: int) -> list[Kill]:
    """Returns the kills: each point once, then random times and random points in turn."""
    rng = np.random.default_rng(seed)
    named = [point for point in POINTS if point != RANDOM]
    kills = []
    for number in range(count):
        if number < len(POINTS):
            point = POINTS[number]
        else:
            point = RANDOM if number % 2 else str(rng.choice(named))
        highest = 1 if point in ONCE else 15 if point in OFTEN else 2
        count_there = int(rng.integers(1, highest + 1))
        kills.append(Kill(point, count_there, round(float(rng.uniform(0.05, 0.95)), 3)))
    return kills


class Lab:
    """Runs processes, one at a time, and kills them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, images()
        self.references: dict[str, Run] = {}
        self.seconds: dict[str, float] = {}
        for selector in SELECTORS:
            start = time.perf_counter()
            self.references[selector] = run = Run(folder / f"whole-{selector}", selector)
            assert self.proceed(run, None)
            self.seconds[selector] = time.perf_counter() - start

    def proceed(self, run: Run, kill: Kill | None) -> bool:
        """Starts the next process of a run; returns whether it came to the end of the run."""
        run.output.mkdir(parents=True, exist_ok=True)
        doing, notes = FORK.RawArray("c", 64), run.folder / f"notes-{len(run.kills)}"
        before = state_of(run.output)
        process = FORK.Process(target=self.live, args=(run, kill, doing, notes))
        process.start()
        self.wait(process, run, kill, notes)
        process.kill()
        process.join()
        noted, log = [json.loads(line) for line in lines(notes)], lines(notes.with_suffix(".log"))
        check_start(run, before, noted, log)
        run.notes += noted
        if process.exitcode == 0:
            return True
        where = doing.value.decode()
        expected = kill and kill.point in (RANDOM, where.removeprefix("killed: "))
        if not expected or process.exitcode != -9:
            last = "\n".join(log[-40:])
            raise RuntimeError(f"ended with {process.exitcode} while {where}, not {kill}:\n{last}")
        run.die(kill, where)
        return False

    def wait(self, process: Any, run: Run, kill: Kill | None, notes: Path) -> None:
        """Waits until a process is to be killed from outside, or has ended."""
        if kill is None or kill.point != RANDOM:
            process.join(PATIENCE)
            return
        while process.is_alive() and not any('"begins"' in line for line in lines(notes)):
            time.sleep(0.01)
        process.join(kill.share * self.seconds[run.selector] / 2)

    def live(self, run: Run, kill: Kill | None, doing: Any, notes: Path) -> None:
        log = os.open(notes.with_suffix(".log"), os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        train(run.output, run.selector, self.data, Victim(kill, doing, notes, len(run.kills)))


def runs(lab: Lab, kills: list[Kill]) -> Iterator[Run]:
    """Spends the kills on runs, each of which is let to its end."""
    left, number = list(kills), 0
    while left:
        selector = list(SELECTORS)[number % len(SELECTORS)]
        run, number = Run(lab.folder / f"run-{number}", selector), number + 1
        ended = False
        while left and len(run.kills) < PER_RUN and not ended:
            fresh = not run.kills
            ended = lab.proceed(run, left[0])
            if not ended:
                left.pop(0)
            elif left[0].point == RANDOM:
                left[0] = replace(left[0], share=left[0].share / 2)  # it came too late
            elif fresh:
                raise RuntimeError(f"a whole run never came to {left[0]}")
        if not ended:
            lab.proceed(run, None)
        yield run


def state_of(folder: Path) -> dict[int, list[str]]:
    """Returns what is wrong with each checkpoint, by step."""
    return {int(path.name[11:]): faults(path) for path in folder.glob("checkpoint-*")}


def check_start(
    run: Run, before: dict[int, list[str]], notes: list[dict[str, Any]], log: list[str]
) -> None:
    """Raises AssertionError unless a process began at the newest checkpoint that it could use."""
    began = next((note["begins"] for note in notes if "begins" in note), None)
    if began is None:
        return  # it was killed before
    saved = max((note["saved"] for note in run.notes if "saved" in note), default=0)
    assert began >= saved, f"began at step {began}, though checkpoint-{saved} was finished"
    assert began == max((step for step, wrong in before.items() if not wrong), default=0)
    for step in (step for step in before if step > began):
        used = f"resuming from {run.output}/checkpoint-{began}" if began else "starting anew"
        warned = [line for line in log if f"checkpoint-{step} is not complete" in line]
        assert len(warned) == 1 and warned[0].endswith(used), (step, began, log[-40:])
        run.fallbacks += began > 0


def differences(run: Run, whole: Run) -> list[str]:
    """Returns where a run that was killed does not equal the one that was not."""
    expected = {tuple(note["place"]): note for note in whole.notes if "place" in note}
    places, found = set(), []
    for attempt in range(len(run.kills) + 1):
        notes = [note for note in run.notes if note["attempt"] == attempt]
        began = next((note["begins"] for note in notes if "begins" in note), None)
        trained = {tuple(note["place"]): note for note in notes if "place" in note}
        following = sorted(place for place in expected if place >= (began or 0, 0))
        if list(trained) != following[: len(trained)]:
            found.append(f"attempt {attempt} began at {began} and trained {list(trained)}")
        for place, note in trained.items():
            other = expected.get(place, {})
            if any(note[name] != other.get(name) for name in ("epoch", "ids")):
                found.append(f"attempt {attempt}: batch {place} is {note}, not {other}")
        places |= trained.keys()
    if places != expected.keys():
        found.append(f"batches trained: {len(places)}, not {len(expected)}")
    ours, theirs = run.end, whole.end
    found += [
        f"{name}: {ours.get(name)!r}, not {theirs.get(name)!r}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]
    return found


def inject(count: int, seed: int, folder: Path) -> dict[str, Any]:
    """Returns the report of a run of the whole experiment."""
    start = time.perf_counter()
    lab = Lab(folder)
    killed = list(runs(lab, plan(count, seed)))
    kills = [kill for run in killed for kill in run.kills]
    return {
        "kills": len(kills),
        "differences": [
            f"{run.folder.name}, {run.selector}: {difference}"
            for run in killed
            for difference in differences(run, lab.references[run.selector])
        ],
        "runs": dict(Counter(run.selector for run in killed)),
        "resumes": sum("begins" in note and note["begins"] > 0 for r in killed for note in r.notes),
        "fallbacks to an earlier checkpoint": sum(run.fallbacks for run in killed),
        "kills by point": dict(Counter(kill.point for kill, _ in kills)),
        "kills at random times, while": dict(
            Counter(where or "between these" for kill, where in kills if kill.point == RANDOM)
        ),
        "compared": sorted(killed[0].end),
        "batches compared": sum("place" in note for run in killed for note in run.notes),
        "settings": SETTINGS | {"train images": TRAIN, "evaluation images": EVALUATION},
        "seed": seed,
        "seconds": round(time.perf_counter() - start, 1),
        "environment": environment(),
    }


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        report = inject(arguments.kills, arguments.seed, Path(folder))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n")
    sys.exit(f"{len(report['differences'])} differences" if report["differences"] else 0)


if __name__ == "__main__":
    main()
