"""Keeps the result of each stage before training, with what it cost, for the runs that reuse it."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import PartialState

from hf_dynsel import provenance
from hf_dynsel.ledger import Ledger

COST = "cost.json"  # seconds by stage; written last, so it marks a folder as finished


def cache_dir() -> Path:
    """Returns where the results of all stages are kept: $HF_DYNSEL_CACHE or ~/.cache."""
    return Path(os.environ.get("HF_DYNSEL_CACHE", "~/.cache/hf_dynsel")).expanduser()


def cache_key(settings: Any) -> str:
    """Returns a hash of all that a result depends on, the version of this library included."""
    content = json.dumps([settings, provenance.library_version()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


@contextmanager
def charged(ledger: Ledger, folder: Path) -> Iterator[bool]:
    """Yields whether a folder is finished, and charges what it once cost: reuse is not free.

    The seconds that the block adds to the ledger are kept in the folder; where it is finished,
    they are added again. So the overhead beside a saving does not depend on the cache.

    Raises:
        ValueError: if it is not finished and there are several processes, which would each do it.
    """
    cost = folder / COST
    if cost.is_file():
        yield True
        for stage, seconds in json.loads(cost.read_text()).items():
            ledger.seconds[stage] += seconds
        return
    if (count := PartialState().num_processes) > 1:
        raise ValueError(
            f"each of {count} processes would score the data for itself; do it first, in one: "
            "`hf-dynsel score` with this recipe and these overrides"
        )
    before = dict(ledger.seconds)
    yield False
    spent = {stage: s - before.get(stage, 0.0) for stage, s in ledger.seconds.items()}
    spent = {stage: seconds for stage, seconds in spent.items() if seconds}
    folder.mkdir(parents=True, exist_ok=True)
    partial = cost.with_suffix(".tmp")
    partial.write_text(json.dumps(spent))
    partial.replace(cost)
