"""Keeps the result of each stage before training, with what it cost, for the runs that reuse it."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from hf_dynsel import provenance
from hf_dynsel.distributed import from_main, only_main, processes, total
from hf_dynsel.ledger import Ledger

COST = "cost.json"  # seconds by stage; written last, so it marks a folder as finished


def cache_dir() -> Path:
    """Returns where the results of all stages are kept: $HF_DYNSEL_CACHE or ~/.cache."""
    return Path(os.environ.get("HF_DYNSEL_CACHE", "~/.cache/hf_dynsel")).expanduser()


def cache_key(settings: Any) -> str:
    """Returns a hash of all that a result depends on, the version of this library included."""
    content = json.dumps([settings, provenance.library_version()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def require_shared() -> None:
    """Raises ValueError, before any work, unless all processes see one and the same cache."""
    state, folder = processes(), cache_dir()
    if state.num_processes == 1:
        return
    mark = folder / from_main(lambda: _marked(folder))
    seen = int(total(torch.tensor(mark.is_file(), dtype=torch.long)))
    only_main(mark.unlink)
    if seen < state.num_processes:
        raise ValueError(
            f"{state.num_processes} processes score together, but only {seen} see what the main "
            f"one writes to {folder}; set HF_DYNSEL_CACHE to a folder that all share, or score in "
            "one process"
        )


def _marked(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{uuid4().hex}.mark"
    (folder / name).touch()
    return name


@contextmanager
def charged(ledger: Ledger, folder: Path) -> Iterator[bool]:
    """Yields whether a folder is finished, and charges what it once cost: reuse is not free.

    The seconds that the block adds to the ledger are kept in the folder; where it is finished,
    they are added again. So the overhead beside a saving does not depend on the cache. With
    several processes, what the main one sees and spends counts for all, and the block is left
    by all together.

    Raises:
        ValueError: if the processes do not share the cache.
    """
    require_shared()
    cost = folder / COST
    known = from_main(lambda: cost.read_text() if cost.is_file() else "")
    if known:
        yield True
        for stage, seconds in json.loads(known).items():
            ledger.seconds[stage] += seconds
        return
    before = dict(ledger.seconds)
    yield False
    spent = {stage: s - before.get(stage, 0.0) for stage, s in ledger.seconds.items()}
    spent = {stage: seconds for stage, seconds in spent.items() if seconds}
    processes().wait_for_everyone()  # a folder is finished when all have done their share
    only_main(lambda: _finish(folder, spent))


def _finish(folder: Path, spent: Mapping[str, float]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = (folder / COST).with_suffix(".tmp")
    partial.write_text(json.dumps(spent))
    partial.replace(folder / COST)
