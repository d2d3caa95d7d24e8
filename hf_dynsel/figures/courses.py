"""How a method's metric goes while it trains, over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from jaxtyping import Float

from hf_dynsel.compare.results import Results, Runs
from hf_dynsel.compare_section import FULL_DATA
from hf_dynsel.suite.measures import REACHED, reached_at


@dataclass(frozen=True)
class Course:
    """How a method's metric went over its seeds, where all of them were evaluated.

    Args:
        places: steps or samples.
        mean: of the metric, in per cent.
        std: over seeds; zeros for one seed.
        reached: where each seed first had 90 % of what full data ends with; None if it never did.
    """

    places: Float[np.ndarray, " p"]
    mean: Float[np.ndarray, " p"]
    std: Float[np.ndarray, " p"]
    reached: Mapping[int, float | None]

    @property
    def mean_reached(self) -> float | None:
        """Mean place over the seeds that reached the goal; None if one did not."""
        found = [place for place in self.reached.values() if place is not None]
        return fmean(found) if found and len(found) == len(self.reached) else None


def courses(results: Results, keep: float, names: Sequence[str], axis: str) -> dict[str, Course]:
    """Returns the course of each method that was evaluated while training.

    Args:
        results: of a comparison.
        keep: fraction of the pool.
        names: labels of methods.
        axis: `step` or `samples_trained`.

    Raises:
        ValueError: if none was.
    """
    arm, metric = results.runs[keep], results.setup.metric
    full = arm.get(FULL_DATA, {})
    found = {}
    for name in names:
        runs = {
            seed: run for seed, run in arm.get(name, {}).items() if points(run.curve, axis, metric)
        }
        if runs:
            found[name] = _course(runs, full, axis, metric)
    if not found:
        raise ValueError(
            f"the runs with keep {keep} hold no {metric} during training; set "
            "trainer.eval_strategy to epoch, and compare again in a new folder"
        )
    return found


def _course(runs: Runs, full: Runs, axis: str, metric: str) -> Course:
    curves = [np.array(points(run.curve, axis, metric)) for run in runs.values()]
    start, end = max(c[0, 0] for c in curves), min(c[-1, 0] for c in curves)
    places = np.unique(np.concatenate([c[:, 0] for c in curves]))
    places = places[(places >= start) & (places <= end)]
    values = 100 * np.stack([np.interp(places, *c.T) for c in curves])
    spread = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(places))
    measure = reached_at(axis)
    reached = {seed: measure(run, full.get(seed), metric) for seed, run in runs.items()}
    return Course(places, values.mean(axis=0), spread, reached)


def goal_of(results: Results, keep: float) -> float | None:
    """Returns 90 % of what full data ends with during training, in per cent; a mean over seeds."""
    runs = results.runs[keep].get(FULL_DATA, {}).values()
    ends = [
        found[-1][1] for run in runs if (found := points(run.curve, "step", results.setup.metric))
    ]
    return 100 * REACHED * fmean(ends) if ends else None


def points(
    curve: Sequence[Mapping[str, float]], axis: str, metric: str
) -> list[tuple[float, float]]:
    """Returns the place and the metric of each evaluation that has it."""
    return [(point[axis], point[metric]) for point in curve if metric in point]
