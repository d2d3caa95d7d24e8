import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.scores import Representativeness, code_score


def test_worked_example_by_hand(e4):
    """m = [5,3,3,1,1,0], F = {0,1,2}, c = [2,2,1], w = [.5,.5,1]."""
    columns, labels = e4
    score = Representativeness(common_frac=0.5, num_latents=6)
    np.testing.assert_allclose(score.compute(columns, labels), [1, 1, 1.5, 1.5, 2])
    np.testing.assert_allclose(score.values(columns, labels), [0, 0, 0.5, 0.5, 1])


def test_blocks_of_the_class_table_change_nothing(e4, monkeypatch):
    """Two classes and a limit of two bytes: one unit per block."""
    columns, labels = e4
    monkeypatch.setattr(code_score, "TABLE_BYTES", 2)
    score = Representativeness(common_frac=0.5, num_latents=6)
    np.testing.assert_allclose(score.compute(columns, labels), [1, 1, 1.5, 1.5, 2])


def test_without_labels_every_common_unit_counts_one(e4):
    columns, _ = e4
    score = Representativeness(common_frac=0.5, num_latents=6)
    assert score.compute(columns, None).tolist() == [2, 2, 2, 2, 3]


def brute_force(activity, labels, num_common):
    """The definition, unit by unit, on the dense table."""
    frequency = activity.sum(0)
    common = sorted(range(activity.shape[1]), key=lambda j: (-frequency[j], j))[:num_common]
    result = np.zeros(len(activity))
    for j in common:
        fired = activity[:, j] > 0
        if fired.any():
            covered = 1 if labels is None else len(set(labels[fired].tolist()))
            result += fired / covered
    return result


def random_case(seed):
    rng = np.random.default_rng(seed)
    items, units, classes = rng.integers(1, 30), rng.integers(1, 25), rng.integers(1, 6)
    activity = (rng.random((items, units)) < rng.random(units)).astype(int)
    labels = np.unique(rng.integers(0, classes, items), return_inverse=True)[1]
    return activity, labels, float(rng.uniform(0.01, 1))


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=80, deadline=None)
def test_it_equals_the_dense_definition(to_columns, seed, labelled):
    activity, labels, share = random_case(seed)
    labels = labels if labelled else None
    num_common = max(1, int(share * activity.shape[1] + 1e-9))
    score = Representativeness(common_frac=share, num_latents=activity.shape[1])
    expected = brute_force(activity, labels, num_common)
    np.testing.assert_allclose(score.compute(to_columns(activity), labels), expected)


def test_a_class_counts_after_one_firing_so_that_label_noise_dilutes_a_unit(to_columns):
    """Unit 0 fires for all of class 0. One relabelled item and it covers two classes."""
    columns = to_columns(np.array([[1, 0], [1, 0], [1, 0], [0, 1]]))
    score = Representativeness(common_frac=0.5, num_latents=2)
    clean, noisy = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert score.compute(columns, clean).tolist() == [1, 1, 1, 0]
    assert score.compute(columns, noisy).tolist() == [0.5, 0.5, 0.5, 0]


def test_a_slot_is_active_by_its_value_alone():
    """Negative values of 'abs' and 'signed' codes, and empty slots, count for nothing."""
    columns = {
        "sae_indices": np.array([[0, 1], [1, 0]], np.int32),
        "sae_values": np.array([[0.3, -2.0], [0.0, 0.7]], np.float32),
    }
    score = Representativeness(common_frac=1.0, num_latents=2)
    assert score.compute(columns, None).tolist() == [1, 1]


def test_units_that_never_fire_are_not_common():
    columns = {"sae_indices": np.zeros((3, 1), np.int32), "sae_values": np.zeros((3, 1))}
    assert Representativeness().compute(columns, np.array([0, 1, 1])).tolist() == [0, 0, 0]


def test_the_number_of_units_comes_from_the_note_of_the_codes(e4):
    """Half of six units are three; the codes alone show five units, half of which are two."""
    columns, labels = e4
    score = Representativeness(common_frac=0.5)
    noted = score.resolve({"sae": {"config": {"num_latents": 6}}})
    assert noted.num_latents == 6
    np.testing.assert_allclose(noted.compute(columns, labels), [1, 1, 1.5, 1.5, 2])
    np.testing.assert_allclose(score.compute(columns, labels), [1, 1, 0.5, 0.5, 1])


def test_a_given_number_of_units_is_kept():
    score = Representativeness(num_latents=9)
    assert score.resolve({"sae": {"config": {"num_latents": 6}}}).num_latents == 9


def test_codes_of_a_larger_autoencoder_are_refused(e4):
    columns, labels = e4
    with pytest.raises(ValueError, match="name unit 4, but num_latents is 3"):
        Representativeness(num_latents=3).compute(columns, labels)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(ValueError, match=rf"common_frac must be in \(0, 1\], got {share}"):
        Representativeness(common_frac=share)


@pytest.mark.parametrize(("share", "units", "common"), [(0.1, 12288, 1228), (0.29, 100, 29)])
def test_the_number_of_common_units_is_rounded_down_on_exact_decimals(share, units, common):
    """In floats 0.29 x 100 is 28.999."""
    columns = {
        "sae_indices": np.arange(units, dtype=np.int32)[:, None],
        "sae_values": np.ones((units, 1), np.float32),
    }
    score = Representativeness(common_frac=share, num_latents=units)
    assert score.compute(columns, None).sum() == common
