"""What processes tell each other: their feedback, that they selected the same, what one has done.

No accelerator is passed: it holds the loaders, these the sampler, and a sampler that held the
accelerator would close a cycle in which persistent workers take five seconds each to end.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import broadcast, gather, pad_across_processes
from jaxtyping import Bool, Int
from torch import Tensor

_working = ContextVar("_working", default=False)  # whether `only_main` has this process work


@dataclass(frozen=True)
class Single:
    """What `PartialState` says of a process that is alone.

    Args:
        device: of this process.
    """

    device: torch.device
    process_index: int = 0
    num_processes: int = 1
    is_main_process: bool = True

    def wait_for_everyone(self) -> None:
        """Waits for nobody."""


def processes() -> Any:
    """Returns the launcher's `PartialState`, or in what `only_main` calls, a `Single`."""
    state = PartialState()
    return Single(state.device) if _working.get() else state


def only_main(work: Callable[[], object]) -> None:
    """Has the main process do some work, such as writing files, while the others wait for it.

    The work may be anything that processes share otherwise: meanwhile, the main one is alone.
    """
    state = processes()
    if state.is_main_process:
        before = _working.set(True)
        try:
            work()
        finally:
            _working.reset(before)
    state.wait_for_everyone()


def from_main(work: Callable[[], str]) -> str:
    """Returns a short text that the main process makes, in every process."""
    state = processes()
    if state.num_processes == 1:
        return work()
    own = list(work().encode()) if state.is_main_process else []
    length = int(broadcast(torch.tensor([len(own)], device=state.device)))
    letters = torch.zeros(length, dtype=torch.uint8, device=state.device)
    if state.is_main_process:
        letters.copy_(torch.tensor(own, dtype=torch.uint8))
    return bytes(broadcast(letters).tolist()).decode()


def gather_rows(own: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the rows of all processes, in process order; their numbers may differ."""
    state = processes()
    if state.num_processes == 1:
        return own
    gathered = {}
    for name in sorted(own):  # sets of names come in another order in each process
        tensor = own[name]
        counts = gather(torch.tensor([len(tensor)], device=state.device)).tolist()
        padded = pad_across_processes(tensor.to(state.device), dim=0)
        parts = gather(padded).split(max(counts))
        pairs = zip(parts, counts, strict=True)
        gathered[name] = torch.cat([part[:count] for part, count in pairs])
    return gathered


def total(own: Tensor) -> Tensor:
    """Returns the sum of a tensor over all processes, which all give the same shape."""
    state = processes()
    if state.num_processes == 1:
        return own
    every: Tensor = gather(own.to(state.device)[None])
    return every.sum(0)


def not_padding(own: Tensor, rest: Int[np.ndarray, " r"]) -> Bool[Tensor, " b"]:
    """Marks the samples of an epoch's last batch that are there for their own sake.

    So that all processes have as many batches, Accelerate repeats samples in the last one; each
    sample counts once, at the first process that has it.

    Args:
        own: ids of this process's batch.
        rest: ids that the epoch had left for the last batches of all processes.
    """
    state = processes()
    padded = pad_across_processes(own.to(state.device), dim=0, pad_index=-1)
    every = gather(padded).cpu().numpy()
    wanted = np.isin(every, rest)
    _, first = np.unique(every, return_index=True)
    counts = np.zeros(len(every), bool)
    counts[first] = True
    start = state.process_index * len(padded)
    mask = (wanted & counts)[start : start + len(own)]
    return torch.from_numpy(mask).to(own.device)


def require_agreement(digest: str, epoch: int) -> None:
    """Raises RuntimeError unless every process holds the same selection, given as a hex hash."""
    state = processes()
    if state.num_processes == 1:
        return
    every = gather(torch.tensor([int(digest[:15], 16)], device=state.device))
    if (every != every[0]).any():
        ranks = torch.nonzero(every != every[0]).flatten().tolist()
        raise RuntimeError(
            f"in epoch {epoch} the processes {ranks} selected other samples than process 0; give "
            "every process the same scores, seed and versions of NumPy"
        )
