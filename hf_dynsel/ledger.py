"""Counts what a run costs: samples trained, forwarded and swept, and seconds by stage."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Ledger:
    """The cost of one run, so that a saving is never reported without its overhead.

    Args:
        samples_per_epoch: samples that received a gradient, by epoch.
        samples_forwarded: forward passes of samples in training. A selector that weighs batches
            looks at all of their samples first, in a pass of its own, and trains some in another.
        samples_swept: samples that went through the model only to be scored.
        sweeps: what the selector said of each sweep, such as the recall of its neighbours.
        seconds: wall time by stage, such as features, sae, scores, select, sweep, train, eval.
    """

    samples_per_epoch: list[int] = field(default_factory=list)
    samples_forwarded: int = 0
    samples_swept: int = 0
    sweeps: list[dict[str, float]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def samples_trained(self) -> int:
        """Samples that received a gradient, over all epochs."""
        return sum(self.samples_per_epoch)

    def note_sweep(self, samples: int, numbers: Mapping[str, float]) -> None:
        """Counts one sweep over so many samples, and keeps what the selector said of it."""
        self.samples_swept += samples
        self.sweeps.append(dict(numbers))

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the wall time of the block to a stage, also when the block fails.

        The time of stages inside the block counts for them alone.
        """
        start, before = time.perf_counter(), sum(self.seconds.values())
        try:
            yield
        finally:
            inside = sum(self.seconds.values()) - before
            self.seconds[stage] += time.perf_counter() - start - inside

    def state_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for JSON."""
        return {
            "samples_per_epoch": list(self.samples_per_epoch),
            "samples_forwarded": self.samples_forwarded,
            "samples_swept": self.samples_swept,
            "sweeps": list(self.sweeps),
            "seconds": dict(self.seconds),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self.samples_per_epoch = list(state["samples_per_epoch"])
        self.samples_forwarded = state["samples_forwarded"]
        self.samples_swept = state["samples_swept"]
        self.sweeps = list(state["sweeps"])
        self.seconds = defaultdict(float, state["seconds"])
