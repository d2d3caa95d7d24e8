from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.core import Feedback, Pool, Selection, Selector, check_keep


@dataclass
class Counting(Selector):
    keep: float = 0.5
    usage: np.ndarray = field(init=False, repr=False)

    def allocate(self) -> None:
        self.usage = np.zeros(self.pool.size, dtype=np.int32)

    def select(self, epoch: int) -> Selection:
        return Selection(np.arange(self.budget(self.keep)))

    def observe(self, feedback: Feedback) -> None:
        self.usage[feedback.indices] += 1


def begun(size: int = 4, epochs: int = 3, **hyperparameters: object) -> Counting:
    selector = Counting(**hyperparameters)
    selector.setup(Pool(size), epochs)
    return selector


@pytest.mark.parametrize("size", [0, -1])
def test_an_empty_pool_is_refused(size):
    with pytest.raises(ValueError, match=f"at least one sample, got size {size}"):
        Pool(size)


def test_a_score_column_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"3 samples, but its column 'el2n' has shape \(2,\)"):
        Pool(3, {"el2n": np.zeros(2)})


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"3 samples, but its column 'labels' has shape \(4,\)"):
        Pool(3, labels=np.zeros(4, dtype=int))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_refused_with_count_and_row(bad):
    with pytest.raises(ValueError, match="'el2n' has 2 values that are NaN or infinite.*row 1"):
        Pool(4, {"el2n": np.array([0.0, bad, 1.0, bad])})


def test_negative_labels_are_refused_with_the_row():
    with pytest.raises(ValueError, match="row 2 has label -1; drop unlabelled rows"):
        Pool(3, labels=np.array([0, 1, -1]))


def test_gaps_between_classes_are_refused():
    with pytest.raises(ValueError, match=r"class 1 has no samples.*up to 4 \(2 empty in all\)"):
        Pool(3, labels=np.array([0, 2, 4]))


def test_a_missing_score_is_named_with_those_there_are():
    pool = Pool(1, {"el2n": np.zeros(1), "density": np.ones(1)})
    assert pool.score("density").tolist() == [1.0]
    with pytest.raises(ValueError, match=r"no score column 'dens' \(it has: density, el2n\)"):
        pool.score("dens")
    with pytest.raises(ValueError, match=r"it has: none\).*'score_el2n' with add_scores"):
        Pool(1).score("el2n")


def test_an_empty_selection_is_refused():
    with pytest.raises(ValueError, match="a selection needs at least one sample"):
        Selection(np.array([], dtype=int))


batch = st.lists(st.tuples(st.integers(0, 20), st.integers(-50, 50)), max_size=12)


@given(batches=st.lists(batch, min_size=1, max_size=5))
def test_merging_keeps_the_last_signals_of_each_sample(batches):
    """As a dict would: later batches, and later rows of a batch, overwrite earlier ones."""
    last = {index: float(loss) for rows in batches for index, loss in rows}
    parts = [
        Feedback(
            2,
            np.array([index for index, _ in rows], dtype=np.int64),
            {
                "loss": np.array([loss for _, loss in rows], dtype=np.float32),
                "features": np.array([[loss, -loss] for _, loss in rows], np.float32).reshape(
                    -1, 2
                ),
            },
        )
        for rows in batches
    ]
    merged = Feedback.merge(parts)
    assert merged.epoch == 2
    assert merged.indices.tolist() == sorted(last)
    assert merged.signals["loss"].tolist() == [last[i] for i in sorted(last)]
    assert merged.signals["features"].tolist() == [[last[i], -last[i]] for i in sorted(last)]


def test_large_sample_ids_survive_merging():
    """2**24 + 1 is no float32 and 2049 no float16: ids packed with losses would be wrong."""
    ids = np.array([2**24 + 1, 2049, 50_001])
    merged = Feedback.merge([Feedback(0, ids, {"loss": np.zeros(3, dtype=np.float16)})])
    assert merged.indices.tolist() == [2049, 50_001, 2**24 + 1]
    assert merged.indices.dtype == np.int64


@pytest.mark.parametrize("keep", [0.0, -0.3, 1.1, 30.0, float("nan")])
def test_keep_is_a_fraction(keep):
    with pytest.raises(ValueError, match=rf"keep must be in \(0, 1\], got {keep}"):
        check_keep(keep)
    with pytest.raises(ValueError, match=rf"keep must be in \(0, 1\], got {keep}"):
        begun().budget(keep)


@pytest.mark.parametrize("size", [100, 1000, 50_000, 1_281_167, 100_000_000])
def test_budgets_are_those_of_exact_decimals(size):
    """Plain floats give 28 for 0.29 of 100, and 28,999 for 0.58 of 50,000."""
    selector = Counting()
    selector.pool = Pool(1)
    object.__setattr__(selector.pool, "size", size)
    for hundredths in range(1, 101):
        assert selector.budget(hundredths / 100) == max(1, hundredths * size // 100)


@given(thousandths=st.integers(1, 1000), size=st.integers(1, 3000))
def test_budgets_are_those_of_exact_fractions(thousandths, size):
    exact = int(Fraction(thousandths, 1000) * size)
    assert begun(size).budget(thousandths / 1000) == max(1, exact)


@given(size=st.integers(1, 500), data=st.data())
def test_a_fraction_of_the_pool_gives_back_its_count(size, data):
    count = data.draw(st.integers(1, size))
    assert begun(size).budget(count / size) == count


def test_random_numbers_depend_on_seed_epoch_and_stream_alone():
    def draw(seed: int, epoch: int, stream: int) -> tuple[int, ...]:
        selector = begun(seed=seed)
        selector.rng(7).random(100)
        return tuple(selector.rng(epoch, stream).integers(0, 10**9, 4))

    draws = {draw(seed, epoch, stream) for seed in (0, 1) for epoch in (0, 1) for stream in (0, 1)}
    assert len(draws) == 8
    assert draw(1, 0, 1) == draw(1, 0, 1)


def test_a_run_without_epochs_is_refused():
    with pytest.raises(ValueError, match="at least one epoch, got 0"):
        begun(epochs=0)


def test_config_has_the_hyperparameters_and_state_the_rest():
    selector = begun(seed=4, keep=0.25)
    assert selector.config() == {"seed": 4, "keep": 0.25}
    assert list(selector.state_dict()) == ["usage"]


def test_loading_a_state_copies_it():
    selector, saved = begun(), {"usage": np.array([1, 2, 3, 4])}
    selector.load_state_dict(saved)
    selector.observe(Feedback(0, np.array([0]), {}))
    assert selector.usage.tolist() == [2, 2, 3, 4]
    assert saved["usage"].tolist() == [1, 2, 3, 4]


def test_the_state_of_another_selector_is_refused():
    with pytest.raises(ValueError, match=r"Counting keeps the state \['usage'\].*\['losses'\]"):
        begun().load_state_dict({"losses": np.zeros(4)})


def test_the_state_of_another_dataset_is_refused():
    with pytest.raises(ValueError, match=r"'usage' has shape \(4,\) here and \(5,\)"):
        begun().load_state_dict({"usage": np.zeros(5)})


def test_a_plain_selector_plans_no_size_weighs_nothing_and_reports_nothing():
    selector = begun()
    assert selector.planned_size(0) is None
    assert selector.weigh(Feedback(0, np.array([0]), {})) is None
    assert selector.diagnostics(0) == {}
