"""What processes tell each other: their feedback, and that they selected the same.

No accelerator is passed: it holds the loaders, these the sampler, and a sampler that held the
accelerator would close a cycle in which persistent workers take five seconds each to end.
"""

import torch
from accelerate import PartialState
from accelerate.utils import gather, pad_across_processes
from torch import Tensor


def gather_rows(own: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the rows of all processes, in process order; their numbers may differ."""
    state = PartialState()
    if state.num_processes == 1:
        return own
    gathered = {}
    for name, tensor in own.items():
        counts = gather(torch.tensor([len(tensor)], device=state.device)).tolist()
        padded = pad_across_processes(tensor.to(state.device), dim=0)
        parts = gather(padded).split(max(counts))
        pairs = zip(parts, counts, strict=True)
        gathered[name] = torch.cat([part[:count] for part, count in pairs])
    return gathered


def require_agreement(digest: str, epoch: int) -> None:
    """Raises RuntimeError unless every process holds the same selection, given as a hex hash."""
    state = PartialState()
    if state.num_processes == 1:
        return
    every = gather(torch.tensor([int(digest[:15], 16)], device=state.device))
    if (every != every[0]).any():
        ranks = torch.nonzero(every != every[0]).flatten().tolist()
        raise RuntimeError(
            f"in epoch {epoch} the processes {ranks} selected other samples than process 0; give "
            "every process the same scores, seed and versions of NumPy"
        )
