"""Runs a network without changing it: eval mode, no gradients, and all as before at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


def device_of(module: nn.Module) -> torch.device | None:
    """Returns where a network's weights are; None if it has none."""
    return next((parameter.device for parameter in module.parameters()), None)


@contextmanager
def frozen(module: nn.Module, device: torch.device | None = None) -> Iterator[None]:
    """Puts a module on a device and in eval mode for the block, then back as it was.

    Each submodule gets its own mode back: batch norm that was frozen stays frozen.

    Args:
        device: None leaves the module where it is.
    """
    training = [part for part in module.modules() if part.training]
    home = device_of(module)
    module.eval()
    if device is not None:
        module.to(device)
    try:
        # Not inference_mode: a buffer that the model builds here may be trained through later.
        with torch.no_grad():
            yield
    finally:
        if device is not None:
            module.to(home)
        for part in training:
            part.training = True
