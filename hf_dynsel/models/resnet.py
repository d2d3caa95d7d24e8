"""ResNets for images of 8 to 64 pixels: a 3 x 3 stem of stride 1, no max-pooling after it."""

from functools import partial
from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from torch import nn

STEM_CHANNELS = 64
SOURCE = {
    "input_size": (3, 32, 32),
    "num_classes": 10,
    "crop_pct": 1.0,  # as an encoder they see all of an image, as they did in training
    "first_conv": "conv1",
    "classifier": "fc",
}

default_cfgs = generate_default_cfgs(
    {"small_resnet18": SOURCE, "small_resnet34": SOURCE, "small_resnet50": SOURCE}
)


def _resnet(block: type[nn.Module], layers: tuple[int, ...], **kwargs: Any) -> ResNet:
    network = ResNet(block, layers, **kwargs)
    wide = network.conv1.weight
    network.conv1 = nn.Conv2d(
        wide.shape[1], STEM_CHANNELS, 3, padding=1, bias=False, device=wide.device, dtype=wide.dtype
    )
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.maxpool = nn.Identity()
    for feature in network.feature_info:  # what timm tells users of the intermediate layers
        feature["reduction"] = max(1, feature["reduction"] // 4)
    return network


def _build(name: str, block: type[nn.Module], layers: tuple[int, ...], **kwargs: Any) -> nn.Module:
    network: nn.Module = build_model_with_cfg(partial(_resnet, block, layers), name, **kwargs)
    return network


def small_resnet18(pretrained: bool = False, **kwargs: Any) -> nn.Module:
    """Returns ResNet-18 for small images; 11.17 million parameters for 10 classes."""
    return _build("small_resnet18", BasicBlock, (2, 2, 2, 2), pretrained=pretrained, **kwargs)


def small_resnet34(pretrained: bool = False, **kwargs: Any) -> nn.Module:
    """Returns ResNet-34 for small images; 21.28 million parameters for 10 classes."""
    return _build("small_resnet34", BasicBlock, (3, 4, 6, 3), pretrained=pretrained, **kwargs)


def small_resnet50(pretrained: bool = False, **kwargs: Any) -> nn.Module:
    """Returns ResNet-50 for small images; 23.52 million parameters for 10 classes."""
    return _build("small_resnet50", Bottleneck, (3, 4, 6, 3), pretrained=pretrained, **kwargs)


for build in (small_resnet18, small_resnet34, small_resnet50):
    register_model(build)
