"""The handwritten digits inside scikit-learn: 1,797 grey images of 8 x 8, ready at once."""

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
from sklearn.datasets import load_digits

from hf_dynsel.data.netpbm import image_column
from hf_dynsel.data.source import Source, note_source
from hf_dynsel.data.split import split_dataset

BRIGHTEST = 16
SOURCE = Source(
    "Optical Recognition of Handwritten Digits", "image-classification", license="cc-by-4.0"
)


def digits(test_size: float = 0.2, seed: int = 0) -> DatasetDict:
    """Returns `train` and `test` of the digits, with columns `image` and `label`.

    The 17 levels of grey, 0 to 16, are stretched to 0 to 255 without loss.

    Args:
        test_size: fraction of the images held out, of each class alike.
        seed: which images are held out.

    Raises:
        ValueError: if `test_size` is not in (0, 1).
    """
    bunch = load_digits()
    images = np.round(bunch.images * (255 / BRIGHTEST)).astype(np.uint8)
    features = Features(image=Image(), label=ClassLabel(names=[str(d) for d in range(10)]))
    columns = {"image": image_column(images), "label": bunch.target}
    splits = split_dataset(Dataset.from_dict(columns, features=features), test_size, seed)
    return note_source(splits, SOURCE)
