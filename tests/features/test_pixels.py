import pickle

import numpy as np
import pytest
import torch
from datasets import Array2D, Dataset, Features
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from hf_dynsel.features import Pixels, extract, pixels


@pytest.fixture
def digits() -> Dataset:
    """60 images of 8 by 8 pixels from 0 to 240."""
    images = (load_digits().images[:60] * 15).astype(np.uint8)
    types = Features({"image": Array2D((8, 8), "uint8")})
    return Dataset.from_dict({"image": images}, features=types)


def scaled(digits: Dataset) -> np.ndarray:
    return np.array(digits["image"]).reshape(60, 64) / 255


def values(extracted: Dataset) -> np.ndarray:
    return extracted.with_format("numpy")["features"][:]


def test_pixels_are_scaled_and_flattened(digits, tmp_path):
    got = values(extract(digits, Pixels(), cache_dir=tmp_path))
    np.testing.assert_allclose(got, scaled(digits), rtol=1e-6)


def test_pictures_and_arrays_give_the_same(digits, tmp_path):
    images = np.array(digits["image"], dtype=np.uint8)
    pictures = Dataset.from_dict({"image": [Image.fromarray(image) for image in images]})
    arrays, decoded = (
        values(extract(rows, Pixels(), cache_dir=tmp_path)) for rows in (digits, pictures)
    )
    np.testing.assert_array_equal(arrays, decoded)


def test_components_are_those_of_pca_up_to_sign(digits, tmp_path):
    got = values(extract(digits, Pixels(pca=5), cache_dir=tmp_path))
    expected = PCA(5, svd_solver="full").fit_transform(scaled(digits))
    np.testing.assert_allclose(np.abs(got), np.abs(expected), atol=1e-5)


def test_components_fitted_in_parts_are_exact_on_data_of_low_rank(tmp_path, monkeypatch):
    """Three parts of 20 rows; two patterns span the images, so two components lose nothing."""
    monkeypatch.setattr(pixels, "ROWS_PER_FIT", 20)
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 12, (2, 4, 4))
    images = np.einsum("nk,khw->nhw", rng.integers(0, 10, (60, 2)), patterns)
    rows = Dataset.from_dict({"image": images.tolist()})
    got = values(extract(rows, Pixels(pca=2), cache_dir=tmp_path))
    expected = PCA(2, svd_solver="full").fit_transform(images.reshape(60, 16) / 255)
    np.testing.assert_allclose(np.abs(got), np.abs(expected), atol=1e-5)


def test_two_fits_are_equal_to_the_bit(digits, tmp_path):
    one, two = (
        values(extract(digits, Pixels(pca=5), cache_dir=tmp_path / name)) for name in ("a", "b")
    )
    np.testing.assert_array_equal(one, two)


def test_the_global_random_stream_stays_untouched(digits):
    state = torch.get_rng_state()
    Pixels(pca=5).prepare(digits)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_number_of_components_is_a_part_of_the_identity():
    assert Pixels(pca=5).identity() != Pixels(pca=6).identity()


def test_the_collate_function_survives_pickling(digits):
    rows = list(digits)
    again = pickle.loads(pickle.dumps(Pixels().collate))
    assert again(rows)["pixels"].equal(Pixels().collate(rows)["pixels"])


def test_images_of_two_sizes_are_refused(tmp_path):
    rows = Dataset.from_dict({"image": [[[1, 2]], [[1], [2]]]})
    with pytest.raises(ValueError, match=r"'image' holds \(1, 2\) and \(2, 1\)"):
        extract(rows, Pixels(), cache_dir=tmp_path)


def test_more_components_than_rows_are_refused(digits, tmp_path):
    with pytest.raises(ValueError, match="pca=61 .* there are 60 rows of 64 pixels"):
        extract(digits, Pixels(pca=61), cache_dir=tmp_path)


def test_no_components_are_refused():
    with pytest.raises(ValueError, match="at least 1 component, got 0"):
        Pixels(pca=0)
