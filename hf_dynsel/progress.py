"""Where a run stands: what every driver shares and every checkpoint holds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hf_dynsel import checkpoint
from hf_dynsel.core import Feedback, Pool, Selector, Sweep
from hf_dynsel.distributed import gather_rows, require_agreement
from hf_dynsel.ledger import Ledger
from hf_dynsel.ordering import Order, shuffled
from hf_dynsel.run_length import RunLength
from hf_dynsel.sampler import SelectionSampler, count_trained, trained
from hf_dynsel.schedule import PacedScheduler
from hf_dynsel.selection_log import SelectionLog

Look = Callable[[Sweep], Mapping[str, np.ndarray]]


class Progress:
    """One run of a selector.

    Args:
        selector: the selection method, set up for the run.
        pool: what it chooses from.
        length: of the run.
        order: arranges an epoch's samples.
        log: is told what each epoch trains on; one process has it.
    """

    def __init__(
        self,
        selector: Selector,
        pool: Pool,
        length: RunLength,
        order: Order = shuffled,
        log: SelectionLog | None = None,
    ) -> None:
        self.selector, self.length, self.log = selector, length, log
        self.sampler = SelectionSampler(selector, pool, length.num_epochs, gather_rows, order)
        self.ledger = Ledger()
        self._tried = False
        self._trained_before = 0  # samples, by the run that this one resumes
        self.batches = 0  # of this process, in the running epoch

    @property
    def updates(self) -> int:
        """Optimizer steps of the running epoch."""
        return self.length.counter.updates(len(self.sampler))

    def enter(self, epoch: int, batches: int = 0, look: Look | None = None) -> None:
        """Selects for an epoch, of which so many batches were trained on before.

        Args:
            epoch: to come.
            batches: of this process.
            look: runs the model over the samples of a sweep and returns its signals.

        Raises:
            RuntimeError: if the processes did not select the same.
            ValueError: if the selection does not fill one batch.
        """
        if look is not None and not self._tried:
            self._try(look)
        with self.ledger.timed("select"):
            if epoch != self.sampler.epoch:
                self.leave()
                self.sampler.set_epoch(epoch)
            if (wanted := self.sampler.wanted) is not None and look is not None:
                with self.ledger.timed("sweep"):
                    signals = look(wanted)
                self.sampler.show(signals)
                self.ledger.note_sweep(len(wanted.indices), self.selector.diagnostics(epoch))
        require_agreement(self.sampler.selection_hash(), epoch)
        self.batches = batches
        size, counter = len(self.sampler), self.length.counter
        if counter.batches(size) == 0:
            raise ValueError(
                f"epoch {epoch} selects {size} samples, less than one batch of "
                f"{counter.batch_size} per process, and dataloader_drop_last leaves it out; keep "
                "more samples or set dataloader_drop_last=False"
            )
        if self.log is not None and batches == 0:
            self.log.write(epoch, self.sampler.selection)

    def _try(self, look: Look) -> None:
        """Looks at one sample: what a model cannot report is found before any training."""
        self._tried = True
        signals: set[str] = set()
        for epoch in range(self.length.num_epochs + 1):  # one at a time: each holds its rows
            if (wanted := self.selector.sweep(epoch)) is not None:
                signals |= wanted.signals
        if signals:
            look(Sweep(np.arange(1), frozenset(signals)))

    def pace(self, scheduler: Any) -> None:
        """Gives the learning-rate schedule its stretch of the epoch that was just entered."""
        if isinstance(scheduler, PacedScheduler):
            epoch, size = self.sampler.epoch, len(self.sampler)
            stretch = self.length.stretch(epoch, size, scheduler.position)
            scheduler.pace(*stretch, self.length.updates(epoch, size))

    @property
    def samples_trained_here(self) -> int:
        """Samples trained since the run started or resumed."""
        return self.ledger.samples_trained - self._trained_before

    def leave(self) -> None:
        """Ends the running epoch, if that was not done: counts its samples and commits feedback."""
        feedback = self.sampler.commit()
        if feedback is None:
            return
        ids = trained(feedback)
        passed, count = len(feedback.indices), len(ids)
        self.ledger.samples_per_epoch.append(count)
        # A selector that weighs batches looks at all of them first, in a pass of its own.
        self.ledger.samples_forwarded += passed + count if self.sampler.weighs else passed
        if self.log is not None:  # a run may end inside an epoch, and a batch in part
            self.log.write(self.sampler.epoch, self.sampler.selection, ids)

    def finish(self, look: Look | None = None) -> None:
        """Ends the run, after which the selector may look at what the trained model reports.

        Args:
            look: runs the model over the samples of a sweep and returns its signals.
        """
        self.leave()
        with self.ledger.timed("select"):
            end = self.length.num_epochs
            if (wanted := self.selector.sweep(end)) is not None and look is not None:
                with self.ledger.timed("sweep"):
                    signals = look(wanted)
                self.selector.observe(Feedback(end, wanted.indices, signals, swept=True))
                self.ledger.note_sweep(len(wanted.indices), self.selector.diagnostics(end))
        if self.log is not None:
            self.log.join(self.sampler.epoch + 1)

    def save(self, folder: Path, data: str, main: bool, ended: bool = False) -> None:
        """Writes the selection's part of a checkpoint; gathers, so every process calls it.

        Args:
            folder: of the checkpoint.
            data: hash of what is selected from.
            main: whether this process writes.
            ended: whether a callback has ended the epoch.
        """
        state = self.sampler.state_dict()
        counter = self.length.counter
        meta = {
            "updates": -(-self.batches // counter.accumulation),
            "finished": ended or self.batches == counter.batches(len(self.sampler)),
            "global_batch": counter.global_batch,
            "together": counter.together,
            "processes": counter.num_processes,
            "ledger": self.ledger.state_dict(),
            "run": self._identity(data),
        }
        if main:
            checkpoint.save(folder, state, meta)

    def load(self, folder: Path, data: str) -> tuple[int, int]:
        """Restores what `save` wrote; returns the epoch and its batches trained on before.

        Args:
            folder: of the checkpoint.
            data: hash of what is selected from.

        Raises:
            ValueError: if the checkpoint cannot be read or is of another run.
        """
        state, meta = checkpoint.load(folder)
        checkpoint.check_same_run(meta["run"], self._identity(data))
        batches = checkpoint.batches_done(meta, self.length.counter)
        self.sampler.load_state_dict(state)
        self.ledger.load_state_dict(meta["ledger"])
        self._trained_before = self.ledger.samples_trained + count_trained(state["pending"])
        if meta["finished"]:
            return self.sampler.epoch + 1, 0
        return self.sampler.epoch, batches

    def _identity(self, data: str) -> dict[str, Any]:
        return checkpoint.run_identity(self.selector, self.length.epochs, data)
