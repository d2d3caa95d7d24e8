"""Settings of trainers that write, log and print nothing while they are timed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

QUIET: Mapping[str, Any] = MappingProxyType(
    {
        "save_strategy": "no",
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
)
