import numpy as np
import pytest
import torch

from adapter_kit import Letters
from hf_dynsel.features import Pixels, class_texts


def test_the_feature_of_a_class_is_the_mean_of_its_prompts_at_unit_length():
    """`a b` and `b a` are both (1, 1, 0) at length sqrt 2, `c b` and `b c` both (0, 1, 1)."""
    texts = class_texts(["a", "c"], Letters(), templates=["{} b", "b {}"])
    half = 0.5**0.5
    assert texts.features.tolist() == pytest.approx(np.array([[half, half, 0], [0, half, half]]))


def test_prompts_count_the_same_whatever_the_length_of_their_features():
    """(4, 0, 0) and (1, 1, 0) at unit length have the mean (1 + h, h, 0) / 2 with h = sqrt 1/2."""
    texts = class_texts(["a"], Letters(), templates=["aaa {}", "b {}"])
    half = 0.5**0.5
    expected = np.array([1 + half, half, 0])
    np.testing.assert_allclose(texts.features[0], expected / np.linalg.norm(expected), rtol=1e-6)


def test_it_holds_what_decides_the_features():
    texts = class_texts(["x", "y"], Letters(), templates=["{} c"], descriptions={"y": "ab"})
    assert texts.names == ("x", "y")
    assert texts.words == ("x", "ab")
    assert texts.templates == ("{} c",)
    assert texts.encoder == {"backbone": "Letters"}
    assert texts.features.dtype == torch.float32


def test_braces_in_a_name_are_no_place_for_anything():
    texts = class_texts(["a {0}"], Letters(), templates=["b {}"])
    assert texts.words == ("a {0}",)


def test_many_prompts_are_encoded_in_batches():
    names = ["a" * number for number in range(1, 301)]
    features = class_texts(names, Letters(), templates=["{} b"]).features
    counts = torch.arange(1, 301.0)
    torch.testing.assert_close(features[:, 0] / features[:, 1], counts, rtol=1e-5, atol=0)


def test_an_encoder_of_something_else_is_refused():
    with pytest.raises(ValueError, match=r"no column 'image' \(it has: text\)"):
        class_texts(["a"], Pixels())


def test_the_share_of_texts_that_are_cut_goes_with_them():
    encoder = Letters()
    encoder.share_cut = 0.25
    assert class_texts(["a", "b"], encoder, templates=["{} b"]).share_cut == 0.25
    assert class_texts(["a", "b"], Letters(), templates=["{} b"]).share_cut == 0.0
