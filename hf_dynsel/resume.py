"""Finds the checkpoint to resume from: the newest complete one, with a word on what others lack."""

import json
import logging
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers import TrainerState
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, get_last_checkpoint

from hf_dynsel.checkpoint import META, TENSORS, TRAINER_STATE

logger = logging.getLogger(__name__)

_DEEPSPEED = "global_step*"  # a folder with weights, optimizer and, mostly, scheduler
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_NEEDED = {
    TRAINER_STATE: (TRAINER_STATE,),
    f"{META}, which DynamicSelectionTrainer writes": (META,),
    TENSORS: (TENSORS,),
    "weights": (
        # Sentence-transformers and PEFT write some of them into folders of their own.
        *(f"**/{name}{index}" for name in _WEIGHTS for index in ("", ".index.json")),
        "**/adapter_model.safetensors",
        "**/adapter_model.bin",
        "pytorch_model_fsdp*",
        _DEEPSPEED,
    ),
    "optimizer state": ("*optimizer*", _DEEPSPEED),
    "scheduler.pt": ("scheduler.pt", _DEEPSPEED),
}


def faults(folder: Path) -> list[str]:
    """Returns what is missing or cut short in a checkpoint; nothing if it is complete.

    Files are judged by their ends, where their formats keep their contents' sizes: no tensor is
    read. Damage in the middle of a file goes unseen.
    """
    if not folder.is_dir():
        return ["it does not exist"]
    missing = [
        f"it holds no {name}"
        for name, patterns in _NEEDED.items()
        if not any(any(folder.glob(pattern)) for pattern in patterns)
    ]
    return [*missing, *_missing_parts(folder), *_damages(folder)]


def last_complete(output_dir: Path) -> Path | None:
    """Returns the newest complete checkpoint of a run, and warns of each newer one that is not.

    It is None where no checkpoint was ever finished: there is none, or the run was killed while
    it wrote its first. Nothing is lost then by starting from the beginning.

    Raises:
        ValueError: if some were finished, but are not complete any more. A run that started over
            would replace them.
    """
    found, broken = _newest(output_dir)
    if found is None and any((folder / TRAINER_STATE).exists() for folder in broken):
        listed = "\n".join(f"  {folder}: {_joined(wrong)}" for folder, wrong in broken.items())
        raise ValueError(
            f"no checkpoint in {output_dir} can be resumed from:\n{listed}\nPut back what is "
            "missing, or start a new run in another output_dir"
        )
    instead = f"resuming from {found}" if found else "no other is complete: starting anew"
    for folder, wrong in broken.items():
        logger.warning("%s is not complete: %s; %s", folder, _joined(wrong), instead)
    return found


def require_complete(folder: Path) -> None:
    """Raises ValueError unless a checkpoint is complete, naming the newest one that is."""
    if not (wrong := faults(folder)):
        return
    found, _ = _newest(folder.parent)
    remedy = f"resume from {found}" if found else f"no other in {folder.parent} is complete"
    raise ValueError(f"{folder} cannot be resumed from: {_joined(wrong)}; {remedy}")


def resolve(asked: Any, output_dir: Path) -> Any:
    """Returns what `Trainer.train` is to resume from, once that is known to be complete.

    Args:
        asked: a folder; True for the newest complete checkpoint of `output_dir`, which is None if
            the run was killed while it wrote its first; None or False for none.
        output_dir: of the run.

    Raises:
        ValueError: if the folder is not complete.
    """
    if asked is True and get_last_checkpoint(str(output_dir)) is not None:
        asked = last_complete(output_dir)
    if asked in (None, True, False):
        return asked
    require_complete(Path(asked))
    return str(asked)


def require_batches_skipped(accelerator: Any, batches: int) -> None:
    """Raises ValueError if Accelerate would go on at another place than after so many batches.

    Where one process loads for all, `skip_first_batches` of Accelerate 1.15 skips that many
    batches of a single process: samples would be trained twice and others not at all.
    """
    one_loads = accelerator.dispatch_batches and not accelerator.split_batches
    if batches and one_loads and accelerator.num_processes > 1:
        raise ValueError(
            "the checkpoint is from inside an epoch, and with dispatch_batches = True its rest "
            f"cannot be told for {accelerator.num_processes} processes. Set "
            "accelerator_config['dispatch_batches'] to False, which trains on the same samples, "
            "or resume from the end of an epoch"
        )


def best_checkpoint(state: TrainerState, output_dir: Path) -> str | None:
    """Returns the folder of the best checkpoint, also after the run was moved or copied."""
    beside = output_dir / f"{PREFIX_CHECKPOINT_DIR}-{state.best_global_step}"
    if state.best_global_step and beside.is_dir():
        return str(beside)
    best: str | None = state.best_model_checkpoint
    return best


def _newest(output_dir: Path) -> tuple[Path | None, dict[Path, list[str]]]:
    """Returns the newest complete checkpoint, and what is wrong with each newer one."""
    steps = {
        int(name[1]): folder
        for folder in output_dir.glob(f"{PREFIX_CHECKPOINT_DIR}-*")
        if folder.is_dir() and (name := re.fullmatch(r".*-(\d+)", folder.name))
    }
    broken: dict[Path, list[str]] = {}
    for _, folder in sorted(steps.items(), reverse=True):
        if not (wrong := faults(folder)):
            return folder, broken
        broken[folder] = wrong
    return None, broken


def _missing_parts(folder: Path) -> Iterator[str]:
    """Yields the files that others say there are: shards of weights, generators of processes."""
    parts = []
    for index in sorted(folder.rglob("*.index.json")):
        shards = set(_read_json(index).get("weight_map", {}).values())
        parts += [index.parent / shard for shard in sorted(shards)]
    processes = _read_json(folder / META).get("processes", 1)
    ranks = [""] if processes == 1 else [f"_{rank}" for rank in range(processes)]
    parts += [folder / f"rng_state{rank}.pth" for rank in ranks]
    yield from (f"it holds no {part.relative_to(folder)}" for part in parts if not part.exists())


def _damages(folder: Path) -> Iterator[str]:
    integers = {TRAINER_STATE: "global_step", META: "epoch"}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            if path.suffix == ".safetensors":
                safe_open(path, framework="numpy")
            elif path.suffix in (".pt", ".pth", ".bin"):
                _check_zip(path)
            elif path.parent == folder and path.name in integers:
                int(json.loads(path.read_text())[integers[path.name]])
            elif path.name.endswith(".index.json"):
                json.loads(path.read_text())
        except (SafetensorError, OSError, LookupError, TypeError, ValueError) as error:
            yield f"its {path.relative_to(folder)} is damaged ({error})"


def _check_zip(path: Path) -> None:
    """Raises ValueError if a file of torch is cut short; its table of contents comes last."""
    with path.open("rb") as file:
        head = file.read(4)
    # Files in torch's old format, and those of tokenizers, are no zip files from the start.
    whole = zipfile.is_zipfile(path) if head == b"PK\x03\x04" else len(head) == 4
    if not whole:
        raise ValueError("cut short")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _joined(wrong: list[str]) -> str:
    return "; ".join(wrong)
