"""Runs the model over the samples that a selector asks to see: nothing random, no gradients."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import broadcast, send_to_device
from datasets import Dataset
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from hf_dynsel.core import Selector, Sweep
from hf_dynsel.data import DecodedImages
from hf_dynsel.distributed import gather_rows
from hf_dynsel.draws import Draws
from hf_dynsel.features.frozen import frozen
from hf_dynsel.features.head import head_inputs
from hf_dynsel.gradient_norms import gradient_norms
from hf_dynsel.indexed import INDEX, IndexedCollator, IndexedDataset
from hf_dynsel.per_sample import PerSample, PerSampleLoss
from hf_dynsel.sampler import INDICES
from hf_dynsel.sweep_signals import GRAND_EXACT, OF_SWEEPS, read_off

LabelsOf = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Sweeper:
    """Shows a model the rows of a clean dataset.

    Batches are cut first and then dealt to the processes, so that any number of these computes
    the same; all run equally many, as sharded models must.

    Args:
        dataset: the rows of the training set as evaluation would see them.
        collate: makes the model's inputs of them.
        batch_size: rows per forward pass.
        num_workers: processes that load rows.
        quiet: show no progress bar.
    """

    dataset: Any
    collate: Callable[[list[Any]], Any]
    batch_size: int
    num_workers: int = 0
    quiet: bool = False

    def __call__(
        self,
        model: nn.Module,
        wanted: Sweep,
        per_sample: PerSample,
        labels_of: LabelsOf,
    ) -> dict[str, np.ndarray]:
        """Returns each signal of the sweep, one row per sample, on every process.

        Args:
            model: not compiled, and not wrapped for several processes.
            wanted: which rows, and what of them.
            per_sample: reads the signals that training has, too.
            labels_of: the labels among a batch's inputs.
        """
        state = PartialState()
        rows = wanted.indices.tolist()
        batches = [rows[i : i + self.batch_size] for i in range(0, len(rows), self.batch_size)]
        own = batches[state.process_index :: state.num_processes]
        rounds = -(-len(batches) // state.num_processes)
        extra = batches[:1] * (rounds - len(own))
        _share_buffers(model)
        seen: dict[str, list[Tensor]] = defaultdict(list)
        with frozen(model), head_inputs(model) as features:
            for place, batch in enumerate(self._batches(own + extra, state.is_main_process)):
                inputs = send_to_device(batch, state.device)
                ids = inputs.pop(INDEX)
                outputs, labels = model(**_taken_by(model, inputs)), labels_of(inputs)
                found = {INDICES: ids, **_signals(per_sample, outputs, labels, ids)}
                found |= read_off(wanted.signals, outputs, labels, features)
                if GRAND_EXACT in wanted.signals:
                    found[GRAND_EXACT] = _gradients(model, inputs, per_sample, labels_of)
                for name, value in found.items():
                    kept = value if place < len(own) else value[:0]
                    # Gathering wants them on the device; one process keeps them off it.
                    seen[name].append(kept if state.num_processes > 1 else kept.cpu())
        joined = gather_rows({name: torch.cat(values) for name, values in seen.items()})
        arrays = {name: value.cpu().numpy() for name, value in joined.items()}
        order = np.argsort(arrays.pop(INDICES))
        return {name: values[order] for name, values in arrays.items()}

    def _batches(self, rows: Sequence[list[int]], shown: bool) -> Any:
        draws = Draws(0)
        loader: DataLoader[Any] = DataLoader(
            IndexedDataset(self.dataset, draws),
            batch_sampler=rows,
            collate_fn=IndexedCollator(self.collate, draws),
            num_workers=self.num_workers,
            generator=torch.Generator(),  # without one, the loader draws from the global stream
        )
        return tqdm(
            loader, desc="sweep", unit="batch", leave=False, disable=self.quiet or not shown
        )


def sweeper_of(args: Any, rows: Any, collate: Callable[[list[Any]], Any]) -> Sweeper:
    """Returns the sweeper of a trainer with these arguments, which loads as evaluation does."""
    return Sweeper(
        rows, collate, args.eval_batch_size, args.dataloader_num_workers, args.disable_tqdm
    )


def clean_view(given: Any, train_dataset: Any, selector: Selector, num_epochs: int) -> Any:
    """Returns the rows that sweeps see: those given, or the training set where it is clean.

    Raises:
        ValueError: if the selector sweeps and the training set may hold something random, or if
            the rows given are not as many.
    """
    if given is not None:
        if len(given) != len(train_dataset):
            raise ValueError(
                f"clean_dataset has {len(given)} rows and the training set {len(train_dataset)}; "
                "they must be the same rows in the same order"
            )
        return given
    if isinstance(train_dataset, DecodedImages):
        return train_dataset.deterministic()
    plain = isinstance(train_dataset, Dataset) and train_dataset.format["type"] != "custom"
    if not plain and any(selector.sweep(epoch) is not None for epoch in range(num_epochs + 1)):
        raise ValueError(
            f"{type(selector).__name__} looks at samples in a pass of its own, without random "
            "crops and the like, and the training set may have a random transform; pass "
            "clean_dataset=, the same rows as evaluation would see them (the training set itself "
            "if nothing in it is random)"
        )
    return train_dataset


def read_by(wanted: Sweep, model: nn.Module, own: PerSampleLoss | None) -> PerSample:
    """Returns what reads off the signals of a sweep that training has, too.

    Raises:
        ValueError: if a signal is unknown.
    """
    return PerSample(model, wanted.signals - OF_SWEEPS, own)


def _taken_by(model: nn.Module, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the inputs that a model takes: a trainer's loss may take others, such as labels."""
    parameters = inspect.signature(model.forward).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return dict(inputs)
    return {name: value for name, value in inputs.items() if name in parameters}


def _signals(per_sample: PerSample, outputs: Any, labels: Any, ids: Tensor) -> Mapping[str, Tensor]:
    if not per_sample.names:
        return {}
    return per_sample.signals(outputs, labels, per_sample.losses(outputs, labels, len(ids)))


def _gradients(
    model: nn.Module, inputs: Mapping[str, Any], per_sample: PerSample, labels_of: LabelsOf
) -> Tensor:
    def loss(run: Callable[..., Any], one: Mapping[str, Any]) -> Tensor:
        outputs = run(**_taken_by(model, one))
        return per_sample.losses(outputs, labels_of(one), 1).means()[0]

    return gradient_norms(model, inputs, loss)


def _share_buffers(model: nn.Module) -> None:
    """Gives all processes the batch statistics of the first, which are those of a checkpoint."""
    if PartialState().num_processes > 1:
        for buffer in model.buffers():
            buffer.copy_(broadcast(buffer))
