"""The one bridge between selectors, which know only NumPy, and training, which knows Torch."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Sampler

from hf_dynsel.core import Feedback, Pool, Selection, Selector, Sweep
from hf_dynsel.ordering import Order, shuffled

Gather = Callable[[dict[str, Tensor]], dict[str, Tensor]]

INDICES = "indices"  # the ids' key among the gathered tensors; no signal has this name
TRAINED = "trained"  # beside the signals, where a selector weighs batches: which samples trained


class SelectionSampler(Sampler[int]):
    """Yields the indices that a selector chose for the current epoch, shuffled by default.

    Feedback is held back until the next epoch starts, so the selection of a running epoch
    can always be recomputed, and every process commits the same feedback.

    Where the selector asks for a sweep before an epoch, `wanted` says of what, and nothing is
    selected until `show` has been given it.

    Args:
        selector: the selection method.
        pool: what it chooses from.
        num_epochs: length of the run.
        gather: turns this process's tensors, rows in batch order, into those of all processes.
            Identity by default.
        order: arranges an epoch's indices, given a generator of that epoch's own.

    Raises:
        ValueError: if the selector cannot work with the pool, or selects a row twice or one
            that the pool does not have.
    """

    def __init__(
        self,
        selector: Selector,
        pool: Pool,
        num_epochs: int,
        gather: Gather = lambda own: own,
        order: Order = shuffled,
    ) -> None:
        self.selector, self.pool, self.gather, self._arrange = selector, pool, gather, order
        self.weighs = type(selector).weigh is not Selector.weigh
        self._pending: list[dict[str, Tensor]] = []
        self._weights: Tensor | None = None
        self.usage = np.zeros(pool.size, np.int32)
        self.previous: Int[np.ndarray, " m"] | None = None
        selector.setup(pool, num_epochs)
        self._start(0)

    @property
    def weighted(self) -> bool:
        """Whether this epoch's samples count differently in the loss."""
        return self.weighs or self.selection.weights is not None

    def set_epoch(self, epoch: int) -> None:
        """Commits the pending feedback and selects again; does nothing for the same epoch.

        `Trainer` and Accelerate's `DataLoaderShard` each call this once per epoch.
        """
        if epoch != self.epoch:
            self.commit()
            self.previous = np.sort(self.selection.indices)
            self._start(epoch)

    def show(self, signals: Mapping[str, np.ndarray]) -> None:
        """Shows the selector what it wanted to see before this epoch, and selects.

        Args:
            signals: those of `wanted`, one row per sample, in its order.
        """
        assert self.wanted is not None, "nothing was asked for"
        self.selector.observe(Feedback(self.epoch, self.wanted.indices, signals, swept=True))
        self._select()

    def commit(self) -> Feedback | None:
        """Hands the pending feedback to the selector; the end of a run calls it once more."""
        pending = self.pending()
        self._pending = []
        if not pending:
            return None
        arrays = {name: value.cpu().numpy() for name, value in pending.items()}
        indices = arrays.pop(INDICES)
        feedback = Feedback.merge([Feedback(self.epoch, indices, arrays)])
        self.selector.observe(feedback)
        self.usage[trained(feedback)] += 1
        return feedback

    def feedback(self, indices: Tensor, **signals: Tensor) -> Tensor | None:
        """Records one batch and returns its loss weights, shape `(b,)`; None means ones.

        Nothing is copied to the host before the epoch ends, unless the selector weighs batches:
        then all of it in one copy, and the weights stay there.
        """
        batch = {name: value.detach().float() for name, value in signals.items()}
        if self.weighs:
            return self._weigh(*_on_host(indices, batch))
        self._pending.append({INDICES: indices, **batch})
        if self._weights is None:
            return None
        self._weights = self._weights.to(indices.device)
        return self._weights[indices]

    def _weigh(self, indices: Tensor, signals: dict[str, Tensor]) -> Tensor | None:
        weights = None if self._weights is None else self._weights[indices]
        arrays = {name: value.numpy() for name, value in signals.items()}
        fresh = self.selector.weigh(Feedback(self.epoch, indices.numpy(), arrays))
        if fresh is not None:
            fresh_weights = torch.as_tensor(fresh, dtype=torch.float32)
            weights = fresh_weights if weights is None else weights * fresh_weights
        marks = torch.ones(len(indices)) if weights is None else (weights > 0).float()
        self._pending.append({INDICES: indices, **signals, TRAINED: marks})
        return weights

    def pending(self) -> dict[str, Tensor]:
        """Returns the feedback not yet committed, of all processes, as one tensor per signal."""
        # The last batch says which device is in use: feedback from a checkpoint is on the host.
        last = self._pending[-1] if self._pending else {}
        joined = {
            name: torch.cat([batch[name].to(tensor.device) for batch in self._pending])
            for name, tensor in last.items()
        }
        self._pending = [joined] if joined else []
        return self.gather(joined)

    def selection_hash(self) -> str:
        """Returns a hash of the epoch's samples, order and weights, to compare processes by."""
        digest = hashlib.sha256(self.order.tobytes())
        if self.selection.weights is not None:
            digest.update(np.asarray(self.selection.weights, np.float64).tobytes())
        return digest.hexdigest()

    def _start(self, epoch: int) -> None:
        self.epoch = epoch
        self.wanted: Sweep | None = self.selector.sweep(epoch)
        if self.wanted is None:
            self._select()
            return
        size, name = self.selector.size_before_sweep(epoch), type(self.selector).__name__
        if size is None:
            raise ValueError(
                f"{name} asks for a sweep before epoch {epoch} and plans no size for it; define "
                "planned_size"
            )
        self.selection, self.order = Selection(np.arange(size)), np.arange(size)  # their number
        self._weights = None

    def _select(self) -> None:
        self.wanted, epoch = None, self.epoch
        self.selection = self.selector.select(epoch)
        _check(self.selection, self.pool.size, f"{type(self.selector).__name__}.select({epoch})")
        # Stream 1: the order must not reuse the random numbers that chose the samples.
        self.order = self._arrange(self.selection.indices, self.selector.rng(epoch, stream=1))
        self._weights = None
        if self.selection.weights is not None:
            self._weights = torch.ones(self.pool.size)
            self._weights[torch.from_numpy(self.selection.indices)] = torch.as_tensor(
                self.selection.weights, dtype=torch.float32
            )

    def __iter__(self) -> Iterator[int]:
        if self.wanted is not None:
            raise RuntimeError(
                f"{type(self.selector).__name__} wants to see {len(self.wanted.indices)} samples "
                f"before epoch {self.epoch}, and was not shown them; call show(signals) first"
            )
        return iter(self.order.tolist())

    def __len__(self) -> int:
        return len(self.order)

    def state_dict(self) -> dict[str, Any]:
        """Returns the selector's state, the epoch and the feedback of all processes."""
        none = np.empty(0, np.int64)
        return {
            "epoch": self.epoch,
            "pending": {name: value.cpu() for name, value in self.pending().items()},
            "selector": {name: array.copy() for name, array in self.selector.state_dict().items()},
            "sampler": {
                "usage": self.usage.copy(),
                "previous": none if self.previous is None else self.previous,
            },
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` returned, the running epoch's selection included."""
        self.selector.load_state_dict(state["selector"])
        self.usage[...] = state["sampler"]["usage"]
        previous = state["sampler"]["previous"]
        self.previous = previous if len(previous) else None
        self._pending = [dict(state["pending"])] if state["pending"] else []
        self.epoch = state["epoch"]
        self._select()  # what it was shown before this epoch is in its state


def trained(feedback: Feedback) -> Int[np.ndarray, " t"]:
    """Returns the samples of an epoch that received a gradient."""
    marks = feedback.signals.get(TRAINED)
    return feedback.indices if marks is None else feedback.indices[marks > 0]


def count_trained(pending: Mapping[str, Tensor]) -> int:
    """Returns how many samples of an epoch's feedback received a gradient."""
    if not pending:
        return 0
    marks = pending.get(TRAINED, torch.ones(len(pending[INDICES])))
    return len(torch.unique(pending[INDICES][marks > 0]))


def _on_host(indices: Tensor, signals: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Returns both on the host, after waiting for the device once instead of for each."""
    parts = [indices, *signals.values()]
    words = [part.reshape(-1).view(torch.int32) for part in parts]
    copied = torch.split(torch.cat(words).cpu(), [len(word) for word in words])
    ids, *values = (
        word.view(part.dtype).view(part.shape) for word, part in zip(copied, parts, strict=True)
    )
    return ids, dict(zip(signals, values, strict=True))


def _check(selection: Selection, size: int, source: str) -> None:
    indices = selection.indices
    if indices.min() < 0 or indices.max() >= size:
        raise ValueError(
            f"{source} chose row {indices.min() if indices.min() < 0 else indices.max()}, "
            f"but the pool has the rows 0 to {size - 1}"
        )
    counts = np.bincount(indices, minlength=size)
    if counts.max() > 1:
        raise ValueError(f"{source} chose row {counts.argmax()} {counts.max()} times; once at most")
    for name in ("weights", "augment"):
        values = getattr(selection, name)
        if values is not None and len(values) != len(indices):
            raise ValueError(
                f"{source} gave {len(values)} {name} for {len(indices)} samples; give one each"
            )
