import numpy as np
import pytest
from datasets import Dataset, Features, Image

from hf_dynsel.data.netpbm import image_column


@pytest.mark.parametrize(("shape", "mode"), [((4, 3, 5), "L"), ((4, 3, 5, 3), "RGB")])
def test_decoded_images_equal_the_arrays(shape: tuple[int, ...], mode: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    column = {"image": image_column(images)}
    dataset = Dataset.from_dict(column, features=Features(image=Image()))
    decoded = dataset["image"][:]
    assert [picture.mode for picture in decoded] == [mode] * 4
    np.testing.assert_array_equal(np.stack([np.asarray(p) for p in decoded]), images)


def test_no_images_give_an_empty_column() -> None:
    assert len(image_column(np.zeros((0, 8, 8), np.uint8))) == 0


def test_other_channel_counts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 8, 8, 4\); give \(n, height, width\)"):
        image_column(np.zeros((2, 8, 8, 4), np.uint8))
