"""Hashes the weights of a network, and fits a checkpoint's tensors to its names."""

import hashlib
import logging
from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)


def hash_weights(module: nn.Module, skip: Collection[str] = ()) -> str:
    """Returns a hash of names, types, shapes and values, the same on every device.

    Args:
        skip: names of tensors that do not count.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if name not in skip:
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()[:32]


def match_tensors(
    tensors: Mapping[str, Tensor], full: Mapping[str, Tensor], headless: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Returns the tensors under the names of `headless`, each exactly once.

    Names decide where they fit. Otherwise the order does, if every shape agrees: checkpoints of
    the same network by another author carry other names.

    Args:
        tensors: the checkpoint, with or without a classifier head.
        full: the network's state with its classifier head.
        headless: the network's state without it.

    Raises:
        ValueError: if neither names nor shapes fit.
    """
    if headless.keys() <= tensors.keys() <= full.keys():
        return {name: tensors[name] for name in headless}
    shapes = [tuple(tensor.shape) for tensor in full.values()]
    if [tuple(tensor.shape) for tensor in tensors.values()] == shapes:
        logger.info("the checkpoint has other names; its %d tensors fit in order", len(shapes))
        ordered = dict(zip(full, tensors.values(), strict=True))
        return {name: ordered[name] for name in headless}
    lacking = sorted(headless.keys() - tensors.keys())
    surplus = sorted(tensors.keys() - full.keys())
    raise ValueError(
        f"the checkpoint is of another architecture: its {len(tensors)} tensors fit the "
        f"network's {len(full)} neither by name (lacking: {', '.join(lacking[:3]) or 'none'}; "
        f"surplus: {', '.join(surplus[:3]) or 'none'}) nor by shape in order"
    )
