"""Frozen encoders, and `extract`, which turns a dataset into one with a `features` column."""

from hf_dynsel.features.backbone import Backbone as Backbone
from hf_dynsel.features.extract import cached as cached
from hf_dynsel.features.extract import extract as extract
from hf_dynsel.features.open_clip_image import OpenClipImage as OpenClipImage
from hf_dynsel.features.pixels import Pixels as Pixels
from hf_dynsel.features.timm_image import TimmImage as TimmImage
from hf_dynsel.features.trained_model import TrainedModel as TrainedModel
from hf_dynsel.features.transformers_text import TransformersText as TransformersText

__all__ = [
    "Backbone",
    "OpenClipImage",
    "Pixels",
    "TimmImage",
    "TrainedModel",
    "TransformersText",
    "cached",
    "extract",
]
