"""Counts the optimizer steps that an epoch of a given size takes."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StepCounter:
    """The rule by which `Trainer` and Accelerate turn samples into steps.

    Args:
        batch_size: samples per batch of one process.
        num_processes: data-parallel processes; each gets every num_processes-th batch.
        accumulation: batches per optimizer step.
        drop_last: whether an incomplete last batch is left out.
    """

    batch_size: int
    num_processes: int = 1
    accumulation: int = 1
    drop_last: bool = False

    @property
    def together(self) -> int:
        """Samples in one micro-batch of all processes."""
        return self.batch_size * self.num_processes

    @property
    def global_batch(self) -> int:
        """Samples per optimizer step, over all processes."""
        return self.together * self.accumulation

    def batches(self, samples: int) -> int:
        """Batches per process."""
        if self.drop_last:
            return samples // self.batch_size // self.num_processes
        return _ceil(_ceil(samples, self.batch_size), self.num_processes)

    def updates(self, samples: int) -> int:
        """Optimizer steps; the last one may accumulate fewer batches."""
        return _ceil(self.batches(samples), self.accumulation)


def _ceil(count: int, size: int) -> int:
    return -(-count // size)


def counter_of(args: Any, accelerator: Any, batch_size: int) -> StepCounter:
    """Returns the counter of a trainer.

    Args:
        args: its training arguments.
        accelerator: whose processes share a batch.
        batch_size: of one process; with `split_batches`, of all.
    """
    processes = accelerator.num_processes
    own = batch_size // processes if accelerator.split_batches else batch_size
    return StepCounter(own, processes, args.gradient_accumulation_steps, args.dataloader_drop_last)
