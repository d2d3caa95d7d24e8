import numpy as np
import pytest
import torch
from datasets import Dataset, List, Value

from hf_dynsel.provenance import fingerprint, recorded
from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig, add_codes, train_sae

FEATURES = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)


def pictures(features=FEATURES):
    return Dataset.from_dict({"features": features, "label": [i % 3 for i in range(len(features))]})


@pytest.fixture(scope="module")
def sae():
    return train_sae(FEATURES, expansion=4, k=3, epochs=2, progress=False)


def test_the_columns_hold_the_codes_at_a_fixed_length(sae):
    coded = add_codes(pictures(), sae)
    codes = sae.encode(torch.from_numpy(FEATURES))
    assert coded.features["sae_indices"] == List(Value("int32"), length=3)
    assert coded.features["sae_values"] == List(Value("float32"), length=3)
    np.testing.assert_array_equal(coded["sae_indices"], codes.indices.numpy())
    np.testing.assert_allclose(coded["sae_values"], codes.values.detach().numpy(), rtol=1e-6)
    assert coded["label"][:] == pictures()["label"][:]


def test_inactive_slots_keep_the_value_zero(build):
    """With two of three units kept, the item (1, 0) excites one: the other slot is empty."""
    sae = build([[1.0, 0.0], [-1.0, 0.0], [-1.0, -1.0]], k=2)
    coded = add_codes(pictures(np.array([[1.0, 0.0]], np.float32)), sae)
    assert coded["sae_values"][0] == [1.0, 0.0]
    assert coded["sae_indices"][0] == [0, 1]


def test_batches_change_nothing(sae):
    whole, pieces = add_codes(pictures(), sae), add_codes(pictures(), sae, batch_size=7)
    assert whole["sae_indices"][:] == pieces["sae_indices"][:]


def test_codes_of_one_model_replace_those_of_another(sae):
    other = train_sae(FEATURES, expansion=2, k=2, epochs=1, progress=False)
    again = add_codes(add_codes(pictures(), other), sae)
    np.testing.assert_array_equal(again["sae_indices"], add_codes(pictures(), sae)["sae_indices"])
    assert recorded(again)["sae"]["sae_fingerprint"] == sae.fingerprint()


def test_the_note_says_which_model_and_which_data(sae, tmp_path):
    sae.save_pretrained(tmp_path)
    loaded = SparseAutoencoder.from_pretrained(tmp_path)
    note = recorded(add_codes(pictures(), loaded))["sae"]
    assert note["sae_fingerprint"] == sae.fingerprint()
    assert note["config"]["num_latents"] == 16
    assert note["source"] == str(tmp_path)
    assert note["training"]["num_items"] == 30
    assert (note["dataset_fingerprint"], note["num_rows"]) == (fingerprint(pictures()), 30)


def test_a_model_of_other_data_codes_features_of_the_same_dimension(sae):
    other = np.random.default_rng(9).standard_normal((11, 4)).astype(np.float32)
    coded = add_codes(pictures(other), sae)
    codes = sae.encode(torch.from_numpy(other))
    np.testing.assert_array_equal(coded["sae_indices"], codes.indices.numpy())


def test_features_of_another_dimension_are_refused_with_both(sae):
    narrow = pictures(FEATURES[:, :3])
    with pytest.raises(ValueError, match="dimension 3, .* trained on dimension 4"):
        add_codes(narrow, sae)


def test_features_with_nan_are_refused_by_row(sae):
    features = FEATURES.copy()
    features[11, 0] = np.nan
    with pytest.raises(ValueError, match="features of row 11 hold NaN"):
        add_codes(pictures(features), sae, batch_size=5)


def test_a_filtered_dataset_is_coded_in_its_own_order(sae):
    chosen = [5, 2, 29]
    coded = add_codes(pictures().select(chosen), sae)
    expected = sae.encode(torch.from_numpy(FEATURES[chosen])).indices
    np.testing.assert_array_equal(coded["sae_indices"], expected.numpy())
    assert recorded(coded)["sae"]["num_rows"] == 3


@pytest.mark.parametrize("mode", ["abs", "signed"])
def test_negative_values_are_stored_as_they_are(mode):
    sae = SparseAutoencoder(SparseAutoencoderConfig(4, 3, 3, mode))
    values = np.array(add_codes(pictures(), sae)["sae_values"])
    assert (values < 0).any()
