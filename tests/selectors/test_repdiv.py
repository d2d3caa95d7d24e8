import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors import DynamicRandom, RepDiv
from hf_dynsel.simulate import plan, simulate
from hf_dynsel.usage import gini, never_used

REP = np.array([1.0, 0.8, 0.5, 0.4, 0.2, 0.0])
DIV = np.array([0.0, 0.1, 0.3, 0.5, 0.9, 1.0])


def scored(rep: np.ndarray, div: np.ndarray, labels: np.ndarray | None = None) -> Pool:
    return Pool(len(rep), {"representativeness": rep, "diversity": div}, labels)


def rollout(selector: RepDiv, pool: Pool, epochs: int) -> list[list[int]]:
    return [sorted(s.indices.tolist()) for s in simulate(selector, pool, epochs)]


def test_the_worked_rollout():
    """Rows 0 and 1 lead until the penalty and the falling weight hand over to 4 and 5."""
    selector = RepDiv(keep=2 / 6, refine=0.2, quota="none")
    early, late, full = [[0, 1]] * 3 + [[0, 2], [0, 3]], [[4, 5]] * 3, [list(range(6))] * 2
    assert rollout(selector, scored(REP, DIV), 10) == early + late + full
    assert selector.usage.tolist() == [7, 5, 3, 3, 5, 5]


def test_the_worked_rollout_without_penalty():
    """Eight selections give [6, 6, 0, 0, 2, 2], and two full epochs add two each."""
    selector = RepDiv(keep=2 / 6, refine=0.2, quota="none", penalty=0.0)
    rollout(selector, scored(REP, DIV), 10)
    assert selector.usage.tolist() == [8, 8, 2, 2, 4, 4]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (3, {1: 0.948025, 2: 0.471395, 3: 0.214389}),
        (10, {1: 0.994646, 2: 0.985611, 5: 0.784847, 6: 0.6, 8: 0.295362, 10: 0.214389}),
        (90, {1: 0.99779, 22: 0.977782, 45: 0.784847, 54: 0.6, 76: 0.263877, 90: 0.214389}),
        (200, {1: 0.997921, 50: 0.97655, 100: 0.784847, 120: 0.6, 170: 0.260687, 200: 0.214389}),
        (400, {1: 0.997972, 100: 0.97655, 200: 0.784847, 240: 0.6, 340: 0.260687, 400: 0.214389}),
    ],
)
def test_the_weight_follows_the_fraction_of_the_run(epochs, expected):
    """Keys are the paper's epochs, which count from one."""
    selector = RepDiv(quota="none")
    selector.setup(scored(REP, DIV), epochs)
    got = {time: selector.weight(time - 1) for time in expected}
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (3, {1: 0.607999, 2: 0.598, 3: 0.588004}),
        (10, {1: 0.649741, 2: 0.639867, 5: 0.609998, 6: 0.6, 8: 0.580017, 10: 0.560133}),
        (90, {1: 0.947209, 22: 0.865615, 45: 0.688511, 54: 0.6, 76: 0.399792, 90: 0.313481}),
        (200, {1: 0.997921, 50: 0.97655, 100: 0.784847, 120: 0.6, 170: 0.260687, 200: 0.214389}),
        (400, {1: 0.999995, 100: 0.999271, 200: 0.904638, 240: 0.6, 340: 0.205354, 400: 0.200268}),
    ],
)
def test_sharpness_per_epoch_flattens_short_runs(epochs, expected):
    selector = RepDiv(quota="none", k_per_epoch=0.05)
    selector.setup(scored(REP, DIV), epochs)
    got = {time: selector.weight(time - 1) for time in expected}
    assert got == pytest.approx(expected, abs=1e-6)


def test_diagnostics_give_the_weight_of_the_epochs_that_select():
    selector = RepDiv(quota="none")
    selector.setup(scored(REP, DIV), 200)
    assert selector.diagnostics(119) == {"alpha": pytest.approx(0.6)}
    assert selector.diagnostics(169) == {"alpha": pytest.approx(0.260687, abs=1e-6)}
    assert selector.diagnostics(170) == {}


@given(
    data=st.data(),
    penalty=st.floats(0.05, 1.0),
    alpha=st.floats(0.0, 1.0),
    scores=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12),
)
def test_an_overused_sample_never_outranks_one_used_enough_less(data, penalty, alpha, scores):
    """The paper's theorem 3.1: u_i >= (1 + u_j) * exp(delta / penalty) - 1 suffices."""
    rep, div = np.array(scores).T
    selector = RepDiv(alpha=alpha, penalty=penalty, quota="none")
    selector.setup(scored(rep.copy(), div.copy()), 10)
    base = selector.value(0)
    used = data.draw(st.integers(0, 3))
    bound = (1 + used) * math.exp((base.max() - base.min()) / penalty) - 1
    over = math.ceil(bound) + data.draw(st.integers(0, 5))
    i, j = data.draw(st.permutations(range(len(base))))[:2]
    selector.usage = np.zeros(len(base), dtype=np.int64)  # wide enough for more than 10 epochs
    selector.usage[[i, j]] = over, used
    value = selector.value(0)
    assert value[i] <= value[j] + 1e-9


def test_scores_are_scaled_over_the_pool_before_they_are_mixed():
    """Raw columns of any unit give the choice of the scaled ones."""
    rng = np.random.default_rng(0)
    rep, div = rng.random(60), rng.random(60)
    rep[:2], div[:2] = (0, 1), (0, 1)
    raw, scaled = scored(rep * 1000 - 7, div * 1e-3 + 4), scored(rep, div)
    quotaless = RepDiv(quota="none")
    assert rollout(quotaless, raw, 12) == rollout(quotaless, scaled, 12)


def test_a_constant_score_adds_nothing():
    alone = RepDiv(quota="none", representativeness=None)
    flat = RepDiv(quota="none")
    pool = scored(np.full(6, 3.0), DIV)
    assert rollout(alone, pool, 10) == rollout(flat, pool, 10)


def test_classes_get_equal_shares_and_small_ones_give_what_they_have():
    """Sizes 2, 10, 10 with a budget of 11: the worked quota 2, 5, 4."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([0, 1, 2], [2, 10, 10]))
    pool = scored(rng.random(22), rng.random(22), labels)
    for selection in simulate(RepDiv(keep=0.5, refine=0.0), pool, 5):
        assert np.bincount(labels[selection.indices]).tolist() == [2, 5, 4]


def test_proportional_shares_follow_the_class_sizes():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [4, 10, 6])
    pool = scored(rng.random(20), rng.random(20), labels)
    for selection in simulate(RepDiv(keep=0.5, refine=0.0, quota="proportional"), pool, 5):
        assert np.bincount(labels[selection.indices]).tolist() == [2, 5, 3]


def test_the_last_epochs_train_on_everything_and_count_as_use():
    selector = RepDiv(quota="none")
    sizes = [len(s.indices) for s in simulate(selector, scored(REP, DIV), 20)]
    assert sizes == [1] * 17 + [6] * 3
    assert selector.usage.sum() == 17 + 18
    assert selector.usage.min() >= 3


def test_whole_epochs_may_come_first_and_count_as_use():
    selector = RepDiv(keep=0.5, warmup_epochs=2, refine=0.2, quota="none", penalty=0.0)
    history = simulate(selector, scored(REP, DIV), 5)
    assert [len(selection.indices) for selection in history] == [6, 6, 3, 3, 6]
    assert selector.usage.sum() == 3 * 6 + 2 * 3
    assert selector.usage.min() == 3


@pytest.mark.parametrize(("keep", "cost"), [(0.7, 0.745), (0.5, 0.575), (0.3, 0.405), (0.2, 0.32)])
def test_samples_trained_follow_the_papers_cost_model(keep, cost):
    """(1 - rho) * p + rho of the full samples, with rho = 0.15."""
    pool = scored(np.linspace(0, 1, 100), np.linspace(1, 0, 100))
    found = plan(RepDiv(keep=keep, quota="none"), pool, 200, batch_size=100)
    assert found.samples_trained == round(cost * 200 * 100)
    assert found.saving == pytest.approx(1 / cost)


def test_a_larger_penalty_spreads_use_more_evenly():
    """The longer the memory of past use, the fewer samples stay unused."""
    rng = np.random.default_rng(1)
    pool = scored(rng.gamma(4.0, 1.0, 2000), rng.gamma(4.0, 1.0, 2000))
    plans = [
        plan(RepDiv(penalty=penalty, refine=0.0, quota="none"), pool, 100, batch_size=100)
        for penalty in (0.0, 0.05, 0.2, 1.0)
    ]
    unused = [found.choice.never_used for found in plans]
    unevenness = [found.choice.gini for found in plans]
    assert unused == sorted(unused, reverse=True)
    assert unevenness == sorted(unevenness, reverse=True)
    assert unused[0] > 0.4
    assert unused[-1] == 0


def test_worked_usage_statistics():
    """Gini indices of 170 selections at T=200, and 53.2 % never used without a penalty."""
    rng = np.random.default_rng(1)
    pool = scored(rng.gamma(4.0, 1.0, 5000), rng.gamma(4.0, 1.0, 5000))
    worked = {0.0: (0.6627, 0.5320), 0.05: (0.5320, 0.0052), 0.2: (0.2511, 0), 1.0: (0.0516, 0)}
    for penalty, expected in worked.items():
        selector = RepDiv(penalty=penalty, quota="none")
        selector.setup(pool, 200)
        for epoch in range(170):
            selector.usage[selector.select(epoch).indices] += 1
        found = gini(selector.usage), never_used(selector.usage)
        assert found == pytest.approx(expected, abs=1e-4)


def test_common_rows_come_early_and_rare_rows_late_unlike_at_random():
    """Half of the rows are purely representative, half purely diverse."""
    rare = np.arange(200) % 2
    pool = scored(1.0 - rare, rare.astype(float))
    history = rollout(RepDiv(keep=0.2, refine=0.0, quota="none", penalty=0.01), pool, 20)
    shares = [rare[rows].mean() for rows in history]
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    at_random = [rare[s.indices].mean() for s in simulate(DynamicRandom(keep=0.2), pool, 20)]
    assert 0.2 < min(at_random) < max(at_random) < 0.8


def test_random_ties_are_drawn_anew_each_epoch():
    pool = scored(np.zeros(40), np.zeros(40))
    selector = RepDiv(penalty=0.0, quota="none", tie_break="random", refine=0.0)
    first, second = rollout(selector, pool, 2)
    assert first != second
    assert rollout(selector, pool, 2) == [first, second]


def test_float32_scores_stay_float32():
    selector = RepDiv(quota="none")
    selector.setup(scored(REP.astype(np.float32), DIV.astype(np.float32)), 10)
    assert selector.value(0).dtype == np.float32


def test_an_epoch_at_200_000_rows_stays_within_60_bytes_a_row():
    rng = np.random.default_rng(0)
    size = 200_000
    scores = rng.random((2, size), dtype=np.float32)
    pool = scored(scores[0], scores[1], np.arange(size) % 1000)
    tracemalloc.start()
    selector = RepDiv()
    selector.setup(pool, 10)
    selector.select(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * size


def test_a_quota_without_labels_is_refused_with_the_fix():
    with pytest.raises(ValueError, match=r"quota='equal' needs class labels.*set quota='none'"):
        RepDiv().setup(scored(REP, DIV), 10)


def test_an_unknown_quota_is_refused():
    selector = RepDiv()
    selector.quota = "equl"
    with pytest.raises(ValueError, match="quota must be one of 'equal', .*'none', got 'equl'"):
        selector.setup(scored(REP, DIV), 10)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("alpha", -0.1, r"in \[0, 1\]"),
        ("alpha_min", 1.5, r"in \[0, 1\]"),
        ("midpoint", 120.0, r"in \[0, 1\]"),
        ("refine", 15.0, r"in \[0, 1\]"),
        ("penalty", -0.2, "finite and not negative"),
        ("penalty", float("inf"), "finite and not negative"),
        ("sharpness", -1.0, "finite and not negative"),
        ("k_per_epoch", float("nan"), "finite and not negative"),
    ],
)
def test_numbers_out_of_range_are_refused_at_setup(name, value, rule):
    with pytest.raises(ValueError, match=f"{name} must be {rule}, got {value}: it is "):
        RepDiv(quota="none", **{name: value}).setup(scored(REP, DIV), 10)
