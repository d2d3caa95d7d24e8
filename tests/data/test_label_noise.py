import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features

from hf_dynsel.data import add_label_noise, wrong_labels
from hf_dynsel.data.label_noise import noisy_labels


@pytest.mark.parametrize("classes", [4, 10, 100])
def test_the_share_of_wrong_labels_is_that_of_the_paper(classes: int) -> None:
    """A fifth is redrawn and 1/C of it hits the true class: 0.2 (1 - 1/C) end up wrong.

    The count is binomial with 10,000 draws: its standard deviation is below 45 of 50,000 rows.
    """
    labels = np.random.default_rng(1).integers(0, classes, 50_000)
    wrong = (noisy_labels(labels, classes, 0.2, seed=0, exclude_true=False) != labels).sum()
    assert abs(wrong - 10_000 * (1 - 1 / classes)) < 4 * 45


def test_excluding_the_true_class_every_drawn_label_is_wrong() -> None:
    labels = np.random.default_rng(1).integers(0, 4, 1000)
    assert (noisy_labels(labels, 4, 0.2, seed=0, exclude_true=True) != labels).sum() == 200


@pytest.mark.parametrize("exclude_true", [True, False])
def test_draws_are_uniform_over_the_classes(exclude_true: bool) -> None:
    labels = np.zeros(30_000, dtype=np.int64)
    counts = np.bincount(noisy_labels(labels, 4, 1.0, 0, exclude_true), minlength=4)
    expected = [0, 10_000, 10_000, 10_000] if exclude_true else [7_500] * 4
    np.testing.assert_allclose(counts, expected, atol=4 * 82)  # 82 = sqrt(30,000 / 3 * 2 / 3)


def images(labels: list[int]) -> Dataset:
    features = Features(label=ClassLabel(names=["a", "b", "c"]))
    return Dataset.from_dict({"label": labels}, features=features)


def test_the_true_labels_stay_in_a_column_of_their_own() -> None:
    noisy = add_label_noise(images([0, 1, 2] * 10), share=0.5)
    assert noisy["clean_label"][:] == [0, 1, 2] * 10
    assert noisy.features["label"] == noisy.features["clean_label"]
    assert noisy.features["label"].names == ["a", "b", "c"]


def test_no_share_changes_nothing() -> None:
    assert add_label_noise(images([0, 1, 2]), share=0.0)["label"][:] == [0, 1, 2]


def test_the_seed_chooses_rows_and_labels() -> None:
    first, same, other = (
        add_label_noise(images([0] * 50), 0.5, seed)["label"][:] for seed in (0, 0, 1)
    )
    assert first == same
    assert first != other


def test_noise_on_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="noisy already"):
        add_label_noise(add_label_noise(images([0, 1])))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=rf"share must be in \[0, 1\], got {share}"):
        add_label_noise(images([0, 1]), share)


def test_one_class_has_no_wrong_label() -> None:
    with pytest.raises(ValueError, match="no other label"):
        noisy_labels(np.zeros(3, np.int64), 1, 0.5, 0, exclude_true=True)


def test_rows_with_a_wrong_label_are_those_that_differ_from_the_true_one() -> None:
    noisy = add_label_noise(images([0, 1, 2] * 10), share=0.5, exclude_true=True)
    wrong = wrong_labels(noisy)
    assert wrong is not None and wrong.sum() == 15
    assert wrong_labels(images([0, 1])) is None
