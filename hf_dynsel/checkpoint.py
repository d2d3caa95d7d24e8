"""Reads and writes the selection's part of a checkpoint: safetensors and JSON, never pickle."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from hf_dynsel.core import Selector
from hf_dynsel.steps import StepCounter

TENSORS, META = "selection.safetensors", "selection.json"
TRAINER_STATE = "trainer_state.json"  # the Trainer's, which it writes last
PARTS = ("selector", "sampler", "pending")


def clear(folder: Path) -> None:
    """Removes what an earlier run left of the checkpoint that is about to be written.

    Its mark goes first: a run killed between the two would else leave the files of both, marked
    as complete. One process calls it, before any other writes.
    """
    (folder / TRAINER_STATE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def save(folder: Path, sampler_state: dict[str, Any], meta: dict[str, Any]) -> None:
    """Writes a sampler's state and what identifies the run to `folder/selection.*`.

    The JSON file comes last and whole: where it stands, the tensors are complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{part}.{name}": torch.as_tensor(value).contiguous()
        for part in PARTS
        for name, value in sampler_state[part].items()
    }
    save_file(tensors, folder / TENSORS)
    partial = folder / (META + ".tmp")
    partial.write_text(_json({**meta, "epoch": sampler_state["epoch"]}) + "\n")
    partial.replace(folder / META)


def load(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the sampler's state and the rest of what `save` wrote.

    Raises:
        ValueError: if the folder holds no selection or it cannot be read.
    """
    if not (folder / META).is_file():
        raise ValueError(
            f"{folder} holds no {META}: it was not written by DynamicSelectionTrainer, or not to "
            "the end. Resume from a checkpoint that has one"
        )
    try:
        meta = json.loads((folder / META).read_text())
        tensors = load_file(folder / TENSORS)
        epoch = int(meta.pop("epoch"))
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"the selection in {folder} is damaged ({error}); resume from an earlier checkpoint"
        ) from error
    state: dict[str, Any] = {"epoch": epoch, **{part: {} for part in PARTS}}
    for name, tensor in tensors.items():
        part, _, key = name.partition(".")
        state[part][key] = tensor if part == "pending" else tensor.numpy()
    return state, meta


def run_identity(selector: Selector, epochs: float, data: str) -> dict[str, Any]:
    """Returns what a resumed run must have in common with the one that wrote the checkpoint."""
    settings = {f"selector.{name}": value for name, value in selector.config().items()}
    return {
        "selector": type(selector).__name__,
        **settings,
        "epochs": epochs,
        "samples": selector.pool.size,
        "data": data,
    }


def check_same_run(noted: dict[str, Any], here: dict[str, Any]) -> None:
    """Raises ValueError, naming both values, unless a checkpoint is of the run at hand."""
    for name, value in json.loads(_json(here)).items():
        if noted.get(name) != value:
            raise ValueError(
                f"the checkpoint was written with {name} = {noted.get(name)!r}, but this run has "
                f"{value!r}; a resumed run must keep it. Set it back, or start a new run"
            )


def batches_done(meta: dict[str, Any], counter: StepCounter) -> int:
    """Returns how many batches of each process an epoch has behind it, in this run's split.

    A checkpoint counts optimizer steps, which every split of one global batch into processes,
    batches and accumulation fills with the same samples.

    Raises:
        ValueError: if the checkpoint's optimizer steps took another number of samples, or its
            epochs left out others.
    """
    noted, here = meta["global_batch"], counter.global_batch
    if noted != here:
        raise ValueError(
            f"the checkpoint was written with {noted} samples per optimizer step, but this run "
            f"has {here}: per_device_train_batch_size {counter.batch_size} x "
            f"{counter.num_processes} processes x gradient_accumulation_steps "
            f"{counter.accumulation}; change one of them so that the product is {noted}"
        )
    if counter.drop_last and meta["together"] != counter.together:
        raise ValueError(
            f"the checkpoint was written with {meta['together']} samples per micro-batch of all "
            f"processes, but this run has {counter.together}, and dataloader_drop_last leaves out "
            "what does not fill one; keep per_device_train_batch_size x processes"
        )
    updates: int = meta["updates"]
    return updates * counter.accumulation


def _json(values: dict[str, Any]) -> str:
    # Hyperparameters may be NumPy numbers.
    return json.dumps(values, indent=2, default=lambda value: value.item())
