"""Every selector in `hf_dynsel.selectors` must pass these; its export line is enough."""

import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import hf_dynsel.selectors as selectors
from hf_dynsel.core import Feedback, Pool, Selector

N, EPOCHS = 60, 8
ALL = [getattr(selectors, name) for name in selectors.__all__]
KEEPING = [cls for cls in ALL if "keep" in cls.__dataclass_fields__]
# What they choose does not depend on the seed.
DETERMINISTIC = {
    "ClipPowered",
    "D2Pruning",
    "DatasetPruning",
    "DensityConsistency",
    "FullData",
    "Herding",
    "InfoMax",
    "KCenter",
    "Moderate",
    "Prototypes",
    "RepDiv",
    "RepDivConsistency",
    "SAEGreedy",
    "SAESimScale",
    "SelectiveBackprop",
    "TopScore",
    "UCB",
}


def name_of(cls: type[Selector]) -> str:
    return cls.__name__


every_selector = pytest.mark.parametrize("cls", ALL, ids=name_of)
every_budgeted_selector = pytest.mark.parametrize("cls", KEEPING, ids=name_of)


@pytest.fixture
def pool(make_pool: Callable[..., Pool]) -> Pool:
    return make_pool(N)


def feedback(epoch: int, rows: np.ndarray) -> Feedback:
    loss = np.abs(np.cos(rows * 1.7 + epoch)).astype(np.float32)
    return Feedback(epoch, rows, {"loss": loss})


def begun(cls: type[Selector], pool: Pool, **hyperparameters: object) -> Selector:
    selector = cls(**hyperparameters)
    selector.setup(pool, EPOCHS)
    return selector


def shown(selector: Selector, epoch: int) -> None:
    """Gives the selector the look that it wants before an epoch, if it wants one."""
    if (wanted := selector.sweep(epoch)) is not None:
        rows = wanted.indices
        signals = {"features": np.cos(np.outer(rows + 1.0, [1.7, 2.9, epoch + 0.3]))}
        selector.observe(Feedback(epoch, rows, signals, swept=True))


def history(selector: Selector) -> list[np.ndarray]:
    chosen = []
    for epoch in range(EPOCHS):
        shown(selector, epoch)
        chosen.append(selector.select(epoch).indices)
        selector.observe(feedback(epoch, np.sort(chosen[-1])))
    return chosen


def test_exports_are_sorted_selectors():
    assert selectors.__all__ == sorted(selectors.__all__)
    assert len(ALL) >= 8 and all(issubclass(cls, Selector) for cls in ALL)


@every_selector
def test_select_changes_no_state(cls, pool):
    selector = begun(cls, pool)
    before = {name: array.copy() for name, array in selector.state_dict().items()}
    first, second = selector.select(2), selector.select(2)
    np.testing.assert_array_equal(first.indices, second.indices)
    for name, array in selector.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@every_selector
def test_rows_are_of_the_pool_and_none_comes_twice(cls, pool):
    for rows in history(begun(cls, pool)):
        assert len(np.unique(rows)) == len(rows)
        assert rows.min() >= 0
        assert rows.max() < N


@every_selector
def test_an_epoch_does_not_depend_on_which_were_asked_before(cls, pool):
    late = begun(cls, pool).select(4).indices
    selector = begun(cls, pool)
    for epoch in (0, 3, 1, 7):
        selector.select(epoch)
    np.testing.assert_array_equal(selector.select(4).indices, late)


@every_selector
def test_global_random_streams_are_neither_read_nor_moved(cls, pool):
    """That of the standard library is only tested for reading: the type checks draw from it."""
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = history(begun(cls, pool))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    random.seed(2)
    np.testing.assert_equal(history(begun(cls, pool)), first)


@every_selector
def test_state_round_trips_through_a_checkpoint(cls, pool):
    selector = begun(cls, pool)
    for epoch in range(3):
        shown(selector, epoch)
        selector.observe(feedback(epoch, selector.select(epoch).indices))
    twin = begun(cls, pool, **selector.config())
    twin.load_state_dict({name: array.copy() for name, array in selector.state_dict().items()})
    for epoch in range(3, EPOCHS):
        np.testing.assert_array_equal(twin.select(epoch).indices, selector.select(epoch).indices)


@every_selector
def test_config_rebuilds_the_selector(cls):
    config = cls(seed=3).config()
    assert config["seed"] == 3
    assert cls(**config).config() == config


@every_selector
def test_planned_size_is_the_size_of_the_selection(cls, pool):
    selector = begun(cls, pool)
    for epoch in range(EPOCHS):
        selection, planned = selector.select(epoch), selector.planned_size(epoch)
        assert planned in (None, len(selection.indices))
        selector.observe(feedback(epoch, selection.indices))


@every_selector
def test_another_seed_changes_the_choice_of_random_methods_alone(cls, pool):
    one, two = history(begun(cls, pool, seed=0)), history(begun(cls, pool, seed=1))
    same = all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert same == (cls.__name__ in DETERMINISTIC)


@every_selector
def test_a_pool_without_labels_works_or_is_refused_by_name(cls, make_pool):
    selector = cls()
    try:
        selector.setup(make_pool(N, labels=False), EPOCHS)
    except ValueError as error:
        assert "labels" in str(error)
    else:
        history(selector)


@every_selector
def test_a_pool_without_scores_works_or_is_refused_at_setup(cls, pool):
    bare = replace(pool, scores={})
    selector = cls()
    try:
        selector.setup(bare, EPOCHS)
    except ValueError as error:
        assert "no score column" in str(error)
    else:
        history(selector)


@every_selector
def test_a_pool_without_the_columns_it_reads_is_refused_at_setup(cls, pool):
    selector, bare = cls(), replace(pool, columns={})
    if selector.reads():
        with pytest.raises(ValueError, match="the pool has no column"):
            selector.setup(bare, EPOCHS)
    else:
        selector.setup(bare, EPOCHS)


@every_selector
def test_a_single_sample_is_chosen_every_epoch_or_has_too_few_neighbors(cls, make_pool):
    try:
        selector = begun(cls, make_pool(1))
    except ValueError as error:
        assert "neighbors must be from 1 to the pool's size less one" in str(error)
    else:
        for rows in history(selector):
            np.testing.assert_array_equal(rows, [0])


@every_budgeted_selector
def test_keep_one_takes_the_whole_pool(cls, pool):
    for rows in history(begun(cls, pool, keep=1.0)):
        np.testing.assert_array_equal(np.sort(rows), np.arange(N))


@every_budgeted_selector
@pytest.mark.parametrize("keep", [0.0, -0.1, 1.01, float("nan")])
def test_keep_out_of_range_is_refused_at_setup(cls, keep, pool):
    with pytest.raises(ValueError, match=rf"keep must be in \(0, 1\], got {keep}"):
        begun(cls, pool, keep=keep)


@every_selector
def test_a_second_setup_starts_afresh(cls, pool, make_pool):
    selector = begun(cls, make_pool(N // 2))
    history(selector)
    selector.setup(pool, EPOCHS)
    np.testing.assert_equal(history(selector), history(begun(cls, pool)))


@every_selector
def test_memory_is_linear_in_the_pool(cls, make_pool):
    """400 bytes per row: an N x N matrix of single bytes would take 20,000."""
    size = 20_000
    pool = make_pool(size)
    tracemalloc.start()
    selector = begun(cls, pool)
    selector.select(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400 * size


def test_selectors_and_simulator_import_neither_torch_nor_the_hugging_face_stack():
    code = (
        "import sys, hf_dynsel.selectors, hf_dynsel.simulate\n"
        "heavy = {'torch', 'transformers', 'datasets', 'accelerate'} & sys.modules.keys()\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
