"""Density x consistency: E14, a brute-force twin, the rules, the fusions, the guard, the looks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel import Feedback, Pool
from hf_dynsel.selectors import DensityConsistency

E14_DISTANCES = [0.1, 0.120711, 0.120711, 1.55, 1.65, 4.95]
E14_COSINES = [0.30, 0.28, 0.10, 0.27, 0.05, 0.26]


def pool_of(cosines, labels=None):
    return Pool(len(cosines), {"consistency": np.array(cosines, np.float32)}, labels)


def set_up(cosines, epochs=4, labels=None, **settings):
    selector = DensityConsistency(**({"neighbors": 2} | settings))
    selector.setup(pool_of(cosines, labels), epochs)
    return selector


def look(selector, epoch, **signals):
    """Shows a selector what it wants to see, row i of each signal being that of sample i."""
    wanted = selector.sweep(epoch)
    assert wanted is not None and wanted.signals == signals.keys()
    seen = {
        name: np.asarray(values, np.float32)[wanted.indices] for name, values in signals.items()
    }
    selector.observe(Feedback(epoch, wanted.indices, seen, swept=True))


def on_circle(*degrees):
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def random_features(seed, rows, dim=3):
    return np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)


def test_worked_example_e14():
    selector = set_up(E14_COSINES)
    selector.distances[:] = E14_DISTANCES
    expected = [0, 0.003929, 0.000854, 0.263093, 0, 0.84]
    np.testing.assert_allclose(selector.value(), expected, atol=1e-6)
    assert selector.select(1).indices.tolist() == [1, 3, 5]


def brute_force(features, cosines, keep, neighbors):
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    distances = np.linalg.norm(unit[:, None] - unit[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    mean = np.sort(distances, axis=1)[:, :neighbors].mean(axis=1)
    spread = [(v - v.min()) / (v.max() - v.min()) for v in (mean, np.asarray(cosines))]
    value = spread[0] * spread[1]
    return np.sort(np.argsort(-value, kind="stable")[: int(keep * len(value))])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(8, 40),
    keep=st.sampled_from([0.25, 0.5, 0.75]),
    neighbors=st.integers(1, 7),
)
def test_it_selects_as_a_loop_over_all_pairs(seed, rows, keep, neighbors):
    features = random_features(seed, rows).astype(np.float64)
    cosines = np.random.default_rng(seed + 1).random(rows)
    selector = set_up(cosines, keep=keep, neighbors=neighbors)
    look(selector, 1, features=features)
    chosen = selector.select(1).indices
    assert chosen.tolist() == brute_force(features, cosines, keep, neighbors).tolist()


def test_the_densest_sample_has_the_lowest_value():
    """Five samples lie within four degrees, the third in their middle; two lie far apart."""
    selector = set_up(np.linspace(0.5, 1, 7), consistency=None, neighbors=4)
    look(selector, 1, features=on_circle(0, 1, 2, 3, 4, 120, 240))
    assert selector.value().argmin() == 2
    assert set(selector.value().argsort()[-2:]) == {5, 6}


def test_a_sample_without_consistency_is_never_ranked_first():
    selector = set_up([0.0, 1.0, 1.0, 1.0])
    look(selector, 1, features=on_circle(180, 0, 1, 3))
    assert selector.select(1).indices.tolist() == [1, 3]


def test_density_alone_needs_no_consistency():
    selector = DensityConsistency(consistency=None, neighbors=1, keep=0.25)
    selector.setup(Pool(4), 3)
    look(selector, 1, features=on_circle(0, 1, 2, 90))
    assert selector.select(1).indices.tolist() == [3]


def test_consistency_alone_looks_at_nothing():
    selector = set_up(E14_COSINES, fusion="geometric", weight=0.0)
    assert [selector.sweep(epoch) for epoch in range(4)] == [None] * 4
    assert selector.select(1).indices.tolist() == [0, 1, 3]


@pytest.mark.parametrize("weight", [0.3, 0.5, 1.0])
def test_the_geometric_mean_weighs_the_two(weight):
    selector = set_up(E14_COSINES, fusion="geometric", weight=weight)
    selector.distances[:] = E14_DISTANCES
    p_density = np.array([0, 0.00427, 0.00427, 0.298969, 0.319588, 1])
    p_consistency = np.array([1, 0.92, 0.2, 0.88, 0, 0.84])
    expected = p_density**weight * p_consistency ** (1 - weight)
    np.testing.assert_allclose(selector.value(), expected, atol=1e-4)


def test_ranks_are_not_ruled_by_an_outlier():
    """Of distances 1, 2, 3 and 1000, min-max puts the third at 0.002 and its rank at 2/3."""
    selector = set_up([1.0] * 3 + [0.5], normalize="rank")
    selector.distances[:] = [1, 2, 3, 1000]
    np.testing.assert_allclose(selector.sparsity(), [0, 1 / 3, 2 / 3, 1])


def test_features_that_have_collapsed_leave_the_choice_to_consistency():
    selector = set_up(E14_COSINES)
    look(selector, 1, features=np.ones((6, 2)))
    assert selector.select(1).indices.tolist() == [0, 1, 3]


# ---- Epochs


def test_warm_up_and_tail_train_on_the_whole_pool_and_mark_nothing():
    selector = set_up(E14_COSINES, epochs=6, warmup_epochs=2, full_tail=0.3)
    sizes = [selector.planned_size(epoch) for epoch in range(6)]
    assert sizes == [6, 6, 3, 3, 6, 6]
    assert [selector.sweep(epoch) is not None for epoch in range(6)] == [s == 3 for s in sizes]
    for epoch in range(6):
        if selector.sweep(epoch):
            look(selector, epoch, features=random_features(epoch, 6))
        chosen = selector.select(epoch)
        assert len(chosen.indices) == sizes[epoch]
        marked = 0 if chosen.augment is None else int(chosen.augment.sum())
        assert marked == (3 if sizes[epoch] == 3 else 0)


def test_selected_samples_are_marked_only_if_asked():
    selector = set_up(E14_COSINES, augment=False)
    assert selector.select(1).augment is None and not selector.augments()
    assert set_up(E14_COSINES).augments()


def test_it_looks_every_n_epochs_and_selects_alike_between():
    selector = set_up(E14_COSINES, epochs=7, refresh_every=3)
    assert [epoch for epoch in range(7) if selector.sweep(epoch)] == [1, 4]
    look(selector, 1, features=random_features(0, 6))
    assert selector.select(1).indices.tolist() == selector.select(3).indices.tolist()


def test_refreshing_what_was_seen_keeps_the_other_features():
    """Of the second look's features only the three trained rows arrive; twin: a full refresh."""
    seen = set_up(E14_COSINES, refresh="seen")
    look(seen, 1, features=on_circle(0, 10, 30, 60, 100, 150))
    seen.observe(Feedback(1, np.array([1, 3, 5]), {}))
    wanted = seen.sweep(2)
    assert wanted.indices.tolist() == [1, 3, 5]
    look(seen, 2, features=on_circle(999, 20, 999, 80, 999, 200))
    full = set_up(E14_COSINES)
    look(full, 1, features=on_circle(0, 20, 30, 80, 100, 200))
    np.testing.assert_allclose(seen.distances, full.distances, rtol=1e-5)


def test_the_state_of_a_look_survives_a_checkpoint():
    first, second = (set_up(E14_COSINES, refresh="seen") for _ in range(2))
    look(first, 1, features=random_features(0, 6))
    first.observe(Feedback(1, first.select(1).indices, {}))
    second.load_state_dict({name: array.copy() for name, array in first.state_dict().items()})
    assert second.select(1).indices.tolist() == first.select(1).indices.tolist()
    assert second.sweep(2).indices.tolist() == first.sweep(2).indices.tolist()
    for selector in (first, second):
        look(selector, 2, features=random_features(1, 6))
    np.testing.assert_array_equal(first.distances, second.distances)


# ---- Drawing


def test_samples_are_drawn_with_odds_in_proportion_to_their_values():
    """Of four, one is drawn: the chance of each is its value over the sum, floor included."""
    selector = set_up([1.0] * 3 + [0.0], epochs=4001, keep=0.25, rule="sample", floor=0.1)
    selector.distances[:] = [0, 1, 2, 2]  # values 0, 1/2, 1, 0
    drawn = np.zeros(4)
    for epoch in range(1, 4001):
        drawn[selector.select(epoch).indices] += 1
    odds = np.array([0.1, 0.6, 1.1, 0.1])
    expected = 4000 * odds / odds.sum()
    assert ((drawn - expected) ** 2 / expected).sum() < 16.3  # chi-square, 3 degrees, p = 0.001


def test_a_draw_is_the_same_however_often_it_is_asked_for():
    selector = set_up(E14_COSINES, rule="sample")
    selector.distances[:] = E14_DISTANCES
    assert selector.select(2).indices.tolist() == selector.select(2).indices.tolist()


# ---- The guard


def test_the_guard_keeps_hard_samples_whose_loss_falls():
    """Least consistent are 4 and 2: the loss of 4 falls, that of 2 rises. That of 0 falls most."""
    selector = set_up(E14_COSINES, keep=0.5, guard=0.4, guard_below=0.34)
    circle = on_circle(0, 10, 20, 60, 65, 180)
    look(selector, 1, features=circle, loss=[9, 1, 1, 1, 2, 1])
    assert 4 not in selector.select(1).indices
    look(selector, 2, features=circle, loss=[0, 1, 2, 1, 1, 1])
    unguarded = set_up(E14_COSINES, keep=0.5)
    look(unguarded, 2, features=circle)
    guarded, plain = selector.select(2).indices, unguarded.select(2).indices
    assert 4 in guarded and 2 not in guarded and 4 not in plain
    assert len(guarded) == len(plain) == 3


# ---- The learned weight


def last_layer_problem(seed=0, rows=60):
    """Features and errors where half of the samples have an error of the wrong sign."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 4)).astype(np.float32)
    wrong = np.arange(rows) % 2 == 1
    sign = np.where(wrong, -1.0, 1.0)[:, None]
    error = sign * np.array([[0.5, -0.5]]) * np.ones((rows, 1))
    return features, error.astype(np.float32), wrong


def test_a_weight_is_learned_that_leaves_wrong_samples_out():
    """Consistency tells the wrong half apart and density does not: its weight must be small."""
    features, error, wrong = last_layer_problem()
    cosines = np.where(wrong, 0.0, 1.0) + 0.01 * np.random.default_rng(1).random(len(wrong))
    labels = np.arange(len(wrong)) // 30
    selector = set_up(cosines, labels=labels, keep=0.3, fusion="learned", held_out=0.2)
    clean_held_out = np.where(selector._held_out[:, None], np.abs(error) * [1, -1], error)
    look(selector, 1, features=features, error=clean_held_out)
    assert selector.diagnostics(1)["density_weight"] < 0.5
    assert not wrong[selector.select(1).indices].any()


def test_what_is_held_out_is_never_trained_on():
    labels = np.arange(40) % 2
    selector = set_up(np.linspace(0, 1, 40), labels=labels, fusion="learned", held_out=0.25)
    features, error, _ = last_layer_problem(rows=40)
    look(selector, 1, features=features, error=error)
    used = np.concatenate([selector.select(epoch).indices for epoch in range(2)])
    assert len(np.unique(used)) == 30 == selector.planned_size(0)
    assert not selector._held_out[used].any()


def test_quotas_count_no_sample_that_is_held_out():
    labels = np.arange(40) % 2
    selector = set_up(
        np.linspace(0, 1, 40), labels=labels, fusion="learned", quota="equal", keep=0.7
    )
    features, error, _ = last_layer_problem(rows=40)
    look(selector, 1, features=features, error=error)
    chosen = selector.select(1).indices
    assert len(chosen) == 28 and not selector._held_out[chosen].any()


def test_quotas_split_the_budget_over_the_classes():
    labels = np.array([0, 0, 0, 1, 1, 1])
    selector = set_up(E14_COSINES, labels=labels, quota="equal", keep=0.4)
    selector.distances[:] = E14_DISTANCES
    assert selector.select(1).indices.tolist() == [1, 5]
