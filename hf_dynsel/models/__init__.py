"""Classifiers for the `Trainer`: any timm or transformers model, and networks for small images.

Importing this package registers with timm, where it is installed: small_cnn, small_resnet18,
small_resnet34, small_resnet50, small_vgg16_bn and small_vit_small. From then on
`timm.create_model` and `from_pretrained` know them by name.
"""

from transformers.utils import is_timm_available

from hf_dynsel.models.image import image_classifier as image_classifier
from hf_dynsel.models.text import text_classifier as text_classifier

if is_timm_available():
    import hf_dynsel.models.resnet
    import hf_dynsel.models.vgg
    import hf_dynsel.models.vit  # noqa: F401

__all__ = ["image_classifier", "text_classifier"]
