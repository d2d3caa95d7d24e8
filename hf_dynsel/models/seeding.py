"""Draws initial weights from a seed, without touching the caller's random numbers."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Runs the block with Torch's CPU generator at `seed`, and restores the generator after it.

    timm and transformers initialise from the default generator and take no other. Only the CPU's
    is seeded, so build models there: `torch.manual_seed` would reset the GPUs' generators too.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
