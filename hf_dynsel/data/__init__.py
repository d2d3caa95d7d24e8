"""Datasets with columns `image` or `text`, and `label`; and what prepares them for training.

A loader is a function that returns a `DatasetDict` with `train` and `test`; its keyword
parameters are what a recipe may set.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from datasets import DatasetDict

from hf_dynsel.data.decode import decode_images as decode_images
from hf_dynsel.data.decoded import DecodedImages as DecodedImages
from hf_dynsel.data.digits import digits as digits
from hf_dynsel.data.files import files as files
from hf_dynsel.data.fortunes import fortunes as fortunes
from hf_dynsel.data.hub import hub as hub
from hf_dynsel.data.idx import idx as idx
from hf_dynsel.data.images import ImageTransform as ImageTransform
from hf_dynsel.data.label_noise import add_label_noise as add_label_noise
from hf_dynsel.data.label_noise import wrong_labels as wrong_labels
from hf_dynsel.data.rsd15k import rsd15k as rsd15k
from hf_dynsel.data.subset import stratified_subset as stratified_subset
from hf_dynsel.data.texts import tokenize as tokenize

LOADERS: Mapping[str, Callable[..., DatasetDict]] = MappingProxyType(
    {loader.__name__: loader for loader in (digits, files, fortunes, hub, idx, rsd15k)}
)

__all__ = [
    "DecodedImages",
    "ImageTransform",
    "LOADERS",
    "add_label_noise",
    "decode_images",
    "digits",
    "files",
    "fortunes",
    "hub",
    "idx",
    "rsd15k",
    "stratified_subset",
    "tokenize",
    "wrong_labels",
]
