"""ViT-Small with patches of 4 pixels, for images of 32 pixels."""

from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.vision_transformer import VisionTransformer
from torch import nn

default_cfgs = generate_default_cfgs(
    {
        "small_vit_small": {
            "input_size": (3, 32, 32),
            "num_classes": 10,
            "crop_pct": 1.0,  # as an encoder it sees all of an image, as it did in training
            "fixed_input_size": True,
            "first_conv": "patch_embed.proj",
            "classifier": "head",
        }
    }
)


def small_vit_small(pretrained: bool = False, **kwargs: Any) -> nn.Module:
    """Returns ViT-S/4: 12 blocks of width 384 with 6 heads; 21.34 million parameters.

    `img_size` sets the height and width of the images, 32 pixels unless given.
    """
    shape = {"patch_size": 4, "embed_dim": 384, "depth": 12, "num_heads": 6}
    network: nn.Module = build_model_with_cfg(
        VisionTransformer, "small_vit_small", pretrained, **{**shape, **kwargs}
    )
    return network


register_model(small_vit_small)
