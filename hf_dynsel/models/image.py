"""An image classifier for the `Trainer` from any timm architecture, ours included."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TimmWrapperConfig, TimmWrapperForImageClassification

from hf_dynsel.extras import require
from hf_dynsel.models.labels import label_maps
from hf_dynsel.models.seeding import seeded


def image_classifier(
    architecture: str,
    *,
    label_names: Sequence[str],
    in_chans: int = 3,
    img_size: int | None = None,
    pretrained: bool = False,
    checkpoint: str | Path | None = None,
    model_args: Mapping[str, Any] | None = None,
    channels_last: bool = False,
    seed: int = 0,
) -> TimmWrapperForImageClassification:
    """Returns a timm network as a transformers model, with the weights timm gives it.

    `save_pretrained` and `AutoModelForImageClassification.from_pretrained` work; for our own
    architectures, import `hf_dynsel.models` before loading.

    Args:
        architecture: a name that `timm.list_models()` knows, such as `small_resnet18`.
        label_names: the classes, in label order.
        in_chans: channels of the images, 1 for grey and 3 for colour.
        img_size: height and width of the images in pixels, for architectures that fix it, such
            as vision transformers. None leaves the architecture's own.
        pretrained: start from the weights timm publishes for it, fetched from the Hub.
        checkpoint: start from a local file of weights, `.safetensors` or `.pth`. Its first layer
            is adapted to `in_chans`, and its last is left out if it has other classes.
        model_args: further arguments of the architecture, such as `drop_path_rate`.
        channels_last: keep the weights of convolutions in PyTorch's memory format of that name,
            which is faster on CPUs, and on GPUs in half precision, and the same but for rounding.
        seed: of the initial weights. The caller's random numbers are not touched.

    Raises:
        ImportError: if timm is not installed.
        ValueError: if there is no such architecture, if the checkpoint is of another one, or if
            both `pretrained` and `checkpoint` are given.
        FileNotFoundError: if there is no such checkpoint.
        TypeError: from timm, if the architecture takes no `img_size` or no such model argument.

    Reference:
        transformers' own way, `TimmWrapperForImageClassification(config)`, draws every
        convolution anew with a standard deviation of 0.02, in place of what the architecture
        asks for. Here the weights are timm's.
    """
    timm = require("timm", "vision")
    _check(architecture, pretrained, checkpoint)
    shape = {"in_chans": in_chans, **({} if img_size is None else {"img_size": img_size})}
    arguments = {**shape, **(model_args or {})}
    source: dict[str, Any] = {"pretrained": pretrained}
    if checkpoint is not None:
        overlay = _checkpoint(architecture, Path(checkpoint))
        source = {"pretrained": True, "pretrained_cfg_overlay": overlay}
    with seeded(seed):
        network = timm.create_model(
            architecture, num_classes=len(label_names), **source, **arguments
        )
        config = TimmWrapperConfig(
            architecture=architecture, model_args=arguments, **label_maps(label_names)
        )
        model = TimmWrapperForImageClassification(config)
    model.timm_model.load_state_dict(network.state_dict())
    if channels_last:
        model.to(memory_format=torch.channels_last)
    return model


def _check(architecture: str, pretrained: bool, checkpoint: str | Path | None) -> None:
    timm = require("timm", "vision")
    name = timm.models.get_arch_name(architecture)
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "timm.list_models() lists them"
        raise ValueError(f"timm has no architecture '{architecture}'; {hint}")
    if pretrained and checkpoint is not None:
        raise ValueError("pretrained and checkpoint both name initial weights; give one of them")
    if checkpoint is not None and not Path(checkpoint).is_file():
        raise FileNotFoundError(f"there is no checkpoint file {checkpoint}")


def _checkpoint(architecture: str, path: Path) -> dict[str, Any]:
    """Tells timm what the file holds, so that it can adapt the first and the last layer."""
    models = require("timm.models", "vision")
    state = models.load_state_dict(str(path), weights_only=True)
    state = {key.removeprefix("timm_model."): value for key, value in state.items()}
    known = models.get_pretrained_cfg(architecture)
    first, last = f"{known.first_conv}.weight", f"{known.classifier}.weight"
    if first not in state:
        raise ValueError(
            f"{path} has no weights '{first}', the first layer of {architecture}: it is of "
            f"another architecture (it starts with '{next(iter(state), None)}')"
        )
    overlay: dict[str, Any] = {
        "state_dict": state,
        "input_size": (state[first].shape[1], *known.input_size[1:]),
    }
    if last in state:
        overlay["num_classes"] = len(state[last])
    return overlay
