"""VGG-16 with batch normalisation and one linear layer on top, and a three-layer sibling."""

from functools import partial
from typing import Any

from timm.layers import ClassifierHead
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.vgg import VGG, cfgs
from torch import nn

THREE_LAYERS: list[int | str] = [32, "M", 64, "M", 128, "M"]
SOURCE = {
    "input_size": (3, 32, 32),
    "num_classes": 10,
    "crop_pct": 1.0,  # as an encoder they see all of an image, as they did in training
    "first_conv": "features.0",
    "classifier": "head.fc",
}

default_cfgs = generate_default_cfgs({"small_vgg16_bn": SOURCE, "small_cnn": SOURCE})


def _vgg(layers: list[int | str], **kwargs: Any) -> VGG:
    # The hidden layers that ImageNet's VGG has on top are dropped; until then, keep them tiny.
    network = VGG(layers, norm_layer=nn.BatchNorm2d, mlp_ratio=1 / 4096, **kwargs)
    for pool in network.features:
        if isinstance(pool, nn.MaxPool2d):
            pool.ceil_mode = True  # 28 pixels halve to 1 in five steps, and 8 to 1, not to 0
    network.pre_logits = nn.Identity()
    network.head_hidden_size = network.num_features
    head = ClassifierHead(
        network.num_features,
        network.num_classes,
        pool_type=kwargs.get("global_pool", "avg"),
        drop_rate=network.drop_rate,
    )
    network.head = head.to(network.features[0].weight)  # its device and dtype
    return network


def small_vgg16_bn(pretrained: bool = False, **kwargs: Any) -> nn.Module:
    """Returns VGG-16 for small images; 14.73 million parameters for 10 classes.

    The head is one linear layer on 512 pooled features, as usual on CIFAR, in place of the two
    hidden layers of 4096 units that hold most of the parameters of ImageNet's VGG-16.
    """
    build = partial(_vgg, cfgs["vgg16"])
    network: nn.Module = build_model_with_cfg(build, "small_vgg16_bn", pretrained, **kwargs)
    return network


def small_cnn(pretrained: bool = False, **kwargs: Any) -> nn.Module:
    """Returns three convolutions of 32, 64 and 128 channels; 0.09 million parameters.

    Trains on a CPU in minutes: for digits and Fashion-MNIST.
    """
    network: nn.Module = build_model_with_cfg(
        partial(_vgg, THREE_LAYERS), "small_cnn", pretrained, **kwargs
    )
    return network


for build in (small_vgg16_bn, small_cnn):
    register_model(build)
