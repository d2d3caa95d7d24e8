"""Every exported selector on the smallest and oddest pools that it can be given.

Pools of one sample or one class, classes of one sample, scores that tie or are constant, and
features that are duplicates or zeros: sizes are as planned, rows are valid and come once, and a
second run gives the same. What a selector learns is the same function of the sample every time.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hf_dynsel.selectors as selectors
from hf_dynsel.core import Pool, Selector
from hf_dynsel.simulate import simulate

ALL = [getattr(selectors, name) for name in selectors.__all__]
EPOCHS, UNITS, CODES = 4, 8, 3
# Strings among the defaults: the names of score columns, and some that are none.
SCORES = sorted({v for cls in ALL for v in cls().config().values() if isinstance(v, str)})
# Their gains are counts, which tie in any data; the lower row wins.
COUNTING = {"SAEGreedy", "SAESimScale"}
FEW = re.compile("neighbors must be from 1 to the pool's size less one")
FLAT = re.compile(r"score column '(\w+)' has the value .* for all samples, so that it tells none")

every_selector = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)


@dataclass
class Case:
    """A pool, and what its samples tell when trained on or looked at."""

    class_sizes: list[int]
    scores: str = "random"
    features: str = "random"
    seed: int = 0
    keep: float = 0.3
    order: np.ndarray | None = field(default=None, repr=False)

    def pool(self) -> Pool:
        """The pool, with its rows in the order asked for."""
        labels = np.repeat(np.arange(len(self.class_sizes)), self.class_sizes)
        rng, size = np.random.default_rng(self.seed), len(labels)
        labels = rng.permutation(labels)
        units = rng.permuted(np.tile(np.arange(UNITS), (size, 1)), axis=1)[:, :CODES]
        chances = rng.dirichlet(np.ones(len(self.class_sizes)), size)
        columns = {
            "features": self._features(rng, size),
            "proxy_features": self._features(rng, size),
            "proxy_error": (chances - np.eye(len(self.class_sizes))[labels]).astype(np.float32),
            "sae_indices": units,
            "sae_values": (rng.random((size, CODES)) * (units > 1)).astype(np.float32),
        }
        scores = {name: self._score(rng, size) for name in SCORES}
        order = np.arange(size) if self.order is None else self.order
        return Pool(
            size,
            {name: score[order] for name, score in scores.items()},
            labels[order],
            {name: column[order] for name, column in columns.items()},
        )

    def learner(self, epoch, rows):
        """Signals of the samples in these rows."""
        ids = rows if self.order is None else self.order[rows]
        size = sum(self.class_sizes)
        rng = np.random.default_rng((self.seed, epoch))
        wide = self._features(rng, size)
        loss = self._score(rng, size)
        errors = rng.normal(size=(size, len(self.class_sizes)))
        narrow = {name: loss[ids] for name in ("loss", "margin", "entropy", "el2n", "correct")}
        return {**narrow, "features": wide[ids], "error": errors[ids]}

    def _score(self, rng, size):
        values = rng.random(size, dtype=np.float32)
        return {"random": values, "ties": values.round(1), "constant": np.full_like(values, 0.5)}[
            self.scores
        ]

    def _features(self, rng, size):
        rows = rng.normal(size=(size, 4)).astype(np.float32)
        kinds = {"random": rows, "duplicates": rows[np.arange(size) // 3], "zeros": 0 * rows}
        return kinds[self.features]


cases = st.builds(
    Case,
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.sampled_from(["random", "ties", "constant"]),
    st.sampled_from(["random", "duplicates", "zeros"]),
    st.integers(0, 99),
    st.sampled_from([0.01, 0.3, 0.5, 0.77, 1.0]),
)


def small(cls: type[Selector], case: Case, seed: int = 0) -> Selector:
    """A selector whose settings leave something to do in a small pool."""
    wanted = {"keep": case.keep, "neighbors": 2}
    given = {name: value for name, value in wanted.items() if name in cls.__dataclass_fields__}
    return cls(seed=seed, **given)


def run(cls: type[Selector], case: Case, seed: int = 0):
    selector = small(cls, case, seed)
    selections = simulate(selector, case.pool(), EPOCHS, case.learner)
    return selector, [selection.indices for selection in selections]


def documented(refusal: str, pool: Pool) -> bool:
    """Whether there are too few samples for two neighbours, or a score tells none apart."""
    if flat := FLAT.search(refusal):
        return np.ptp(pool.score(flat[1])) == 0
    return FEW.search(refusal) is not None and pool.size <= 2


@every_selector
@given(case=cases)
@example(case=Case([1]))
@example(case=Case([1], scores="constant", features="zeros", keep=1.0))
@example(case=Case([7]))
@example(case=Case([7], scores="constant", features="zeros"))
@example(case=Case([1, 1, 1, 9], keep=0.5))
@settings(max_examples=15, deadline=None)
def test_any_pool_has_its_planned_sizes_of_valid_rows_and_the_same_again(cls, case):
    """Or it is refused before the run, where that is documented."""
    size = sum(case.class_sizes)
    try:
        selector, rows = run(cls, case)
    except ValueError as refused:
        assert documented(str(refused), case.pool()), refused
        return
    for epoch, chosen in enumerate(rows):
        assert selector.planned_size(epoch) in (None, len(chosen))
        assert len(np.unique(chosen)) == len(chosen) <= size
        assert chosen.min() >= 0 and chosen.max() < size
    np.testing.assert_equal(run(cls, case)[1], rows)


@every_selector
@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_the_input_does_not_matter_where_nothing_ties_or_is_drawn(cls, seed):
    """A method that another seed makes choose otherwise draws; its draws are by row."""
    case = Case([20, 13, 1, 6], seed=seed)
    rows = run(cls, case)[1]
    if cls.__name__ in COUNTING or any(map(differ, rows, run(cls, case, seed=1)[1])):
        return
    order = np.random.default_rng(seed).permutation(40)
    moved = run(cls, Case([20, 13, 1, 6], seed=seed, order=order))[1]
    for chosen, again in zip(rows, moved, strict=True):
        assert set(order[again]) == set(chosen)


def differ(rows: np.ndarray, others: np.ndarray) -> bool:
    return len(rows) != len(others) or bool((rows != others).any())


def test_the_methods_that_draw_nothing_are_found():
    """So that the test above tests something."""
    case = Case([20, 13, 1, 6])
    fixed = [
        cls for cls in ALL if not any(map(differ, run(cls, case)[1], run(cls, case, seed=1)[1]))
    ]
    assert {"TopScore", "RepDiv", "FullData"} <= {cls.__name__ for cls in fixed} != set(ALL)
