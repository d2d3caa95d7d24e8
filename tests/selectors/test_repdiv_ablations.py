"""The rows of the paper's ablation table, each against Algorithm 1 written out plainly."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from hf_dynsel.core import Pool
from hf_dynsel.selectors import RepDiv
from hf_dynsel.simulate import simulate

EPOCHS, PER_CLASS, CLASSES = 20, 10, 3
N = PER_CLASS * CLASSES
LABELS = np.arange(N) % CLASSES
RNG = np.random.default_rng(5)
REP, DIV = RNG.random(N), RNG.random(N)
for score in (REP, DIV):
    score[[3, 4]] = 0.0, 1.0  # so that scaling to [0, 1] changes nothing
POOL = Pool(N, {"representativeness": REP, "diversity": DIV}, LABELS)


def falling(time: int) -> float:
    """The paper's schedule at a 1-based epoch of 20, with k * 200 = 10 per run."""
    return 0.2 + 0.8 * (1 - 1 / (1 + math.exp(-10 * (time / EPOCHS - 0.6))))


def algorithm_1(
    alpha: Callable[[int], float], penalty: float, full: int = 3, by_class: bool = True
) -> list[list[int]]:
    """Keeps 9 of 30 rows, 3 of each class, and the last `full` epochs on everything."""
    used, history = [0] * N, []
    for time in range(1, EPOCHS + 1):
        a = alpha(time)
        value = [a * REP[i] + (1 - a) * DIV[i] - penalty * math.log(1 + used[i]) for i in range(N)]
        ranked = sorted(range(N), key=lambda i: -value[i])  # stable, so lower rows win ties
        if time > EPOCHS - full:
            chosen = ranked
        elif by_class:
            chosen = [i for c in range(CLASSES) for i in [j for j in ranked if LABELS[j] == c][:3]]
        else:
            chosen = ranked[:9]
        for i in chosen:
            used[i] += 1
        history.append(sorted(chosen))
    return history


def rollout(**hyperparameters: object) -> list[list[int]]:
    selector = RepDiv(keep=0.3, **hyperparameters)
    return [s.indices.tolist() for s in simulate(selector, POOL, EPOCHS)]


@pytest.mark.parametrize(
    ("hyperparameters", "expected"),
    [
        ({}, algorithm_1(falling, 0.2)),
        ({"alpha": 0.0}, algorithm_1(lambda t: 0.0, 0.2)),
        ({"alpha": 1.0}, algorithm_1(lambda t: 1.0, 0.2)),
        ({"penalty": 0.0}, algorithm_1(falling, 0.0)),
        ({"alpha": 0.5}, algorithm_1(lambda t: 0.5, 0.2)),
        ({"alpha": 0.5, "penalty": 0.0}, algorithm_1(lambda t: 0.5, 0.0)),
        ({"alpha": 0.0, "penalty": 0.0}, algorithm_1(lambda t: 0.0, 0.0)),
        ({"alpha": 1.0, "penalty": 0.0}, algorithm_1(lambda t: 1.0, 0.0)),
        ({"refine": 0.0}, algorithm_1(falling, 0.2, full=0)),
        ({"quota": "none"}, algorithm_1(falling, 0.2, by_class=False)),
    ],
    ids=[
        "full method",
        "w/o Rep",
        "w/o Div",
        "w/o Pen",
        "w/o alpha",
        "Static",
        "only Div",
        "only Rep",
        "w/o Full-data",
        "as printed, no quota",
    ],
)
def test_each_variant_follows_algorithm_1(hyperparameters, expected):
    assert rollout(**hyperparameters) == expected


def test_the_variants_differ():
    variants = [
        rollout(**hyperparameters)
        for hyperparameters in (
            {},
            {"alpha": 0.0},
            {"alpha": 1.0},
            {"penalty": 0.0},
            {"alpha": 0.5},
            {"alpha": 0.5, "penalty": 0.0},
            {"alpha": 0.0, "penalty": 0.0},
            {"alpha": 1.0, "penalty": 0.0},
            {"refine": 0.0},
            {"representativeness": None, "diversity": None, "tie_break": "random"},
        )
    ]
    assert len({str(history) for history in variants}) == len(variants)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_without_penalty_and_schedule_the_subset_is_fixed(alpha):
    selecting = rollout(alpha=alpha, penalty=0.0)[: EPOCHS - 3]
    assert all(rows == selecting[0] for rows in selecting)


def test_the_penalty_alone_rotates_through_each_class():
    """Three of ten rows a class and epoch, least used first: counts differ by one at most."""
    only_penalty = {"representativeness": None, "diversity": None, "tie_break": "random"}
    used = np.zeros(N, dtype=int)
    for rows in rollout(**only_penalty):
        used[rows] += 1
        for label in range(CLASSES):
            assert np.ptp(used[label == LABELS]) <= 1
    assert rollout(**only_penalty) != rollout(**only_penalty, seed=1)


def test_the_static_selector_takes_the_top_of_the_sum_once():
    best = np.sort(np.argsort(-(REP + DIV), kind="stable")[:9]).tolist()
    history = rollout(alpha=0.5, penalty=0.0, quota="none", refine=0.0)
    assert history == [best] * EPOCHS
