import numpy as np
import pytest
from sklearn.datasets import load_digits

from hf_dynsel.data import digits


def test_every_digit_is_in_one_split() -> None:
    parts = digits(test_size=0.2)
    assert (len(parts["train"]), len(parts["test"])) == (1437, 360)


def test_levels_of_grey_are_kept() -> None:
    parts = digits()
    images = np.stack([np.asarray(row) for part in parts.values() for row in part["image"]])
    levels = np.unique(images)
    assert len(levels) == 17
    assert (levels[0], levels[-1]) == (0, 255)
    # The sum over all images is that of the source, whatever the split.
    assert np.round(images / (255 / 16)).sum() == load_digits().images.sum()


def test_each_class_is_held_out_in_proportion() -> None:
    parts = digits(test_size=0.5)
    train, test = (np.bincount(part["label"][:], minlength=10) for part in parts.values())
    assert np.abs(train - test).max() <= 1


def test_the_seed_chooses_the_rows() -> None:
    first, same, other = (digits(seed=seed)["test"]["label"][:] for seed in (0, 0, 1))
    assert first == same
    assert first != other


def test_the_callers_random_numbers_are_not_touched() -> None:
    stream = np.random.get_state  # noqa: NPY002  the stream of others
    before = repr(stream())
    digits()
    assert repr(stream()) == before


@pytest.mark.parametrize("test_size", [0.0, 1.0, -0.1])
def test_a_test_size_out_of_range_is_refused(test_size: float) -> None:
    with pytest.raises(ValueError, match=rf"test_size must be in \(0, 1\), got {test_size}"):
        digits(test_size=test_size)
