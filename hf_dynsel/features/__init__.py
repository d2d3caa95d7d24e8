"""Frozen encoders, `extract` for a `features` column, and adapters between two encoders."""

from hf_dynsel.features.adapter_config import AdapterConfig as AdapterConfig
from hf_dynsel.features.adapter_config import AdapterSummary as AdapterSummary
from hf_dynsel.features.adapter_training import train_adapters as train_adapters
from hf_dynsel.features.backbone import Backbone as Backbone
from hf_dynsel.features.class_texts import ClassTexts as ClassTexts
from hf_dynsel.features.class_texts import class_texts as class_texts
from hf_dynsel.features.clip_adapter import Adapters as Adapters
from hf_dynsel.features.cosine import add_cosine as add_cosine
from hf_dynsel.features.extract import cached as cached
from hf_dynsel.features.extract import extract as extract
from hf_dynsel.features.open_clip_image import OpenClipImage as OpenClipImage
from hf_dynsel.features.open_clip_text import OpenClipText as OpenClipText
from hf_dynsel.features.pixels import Pixels as Pixels
from hf_dynsel.features.prompts import class_names as class_names
from hf_dynsel.features.timm_image import TimmImage as TimmImage
from hf_dynsel.features.trained_model import TrainedModel as TrainedModel
from hf_dynsel.features.transformers_text import TransformersText as TransformersText

__all__ = [
    "AdapterConfig",
    "AdapterSummary",
    "Adapters",
    "Backbone",
    "ClassTexts",
    "OpenClipImage",
    "OpenClipText",
    "Pixels",
    "TimmImage",
    "TrainedModel",
    "TransformersText",
    "add_cosine",
    "cached",
    "class_names",
    "class_texts",
    "extract",
    "train_adapters",
]
