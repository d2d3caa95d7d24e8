"""`DynamicSelectionTrainer`: the Hugging Face `Trainer` over a subset that changes every epoch.

`Trainer` 5.x assumes epochs of one length. What is overridden, and why:

- `get_train_dataloader`, `_get_train_sampler`: the sampler is built once per run, so the sampler,
  not the trainer, follows the epoch; ids travel inside the batch, because the loader reads ahead;
- `set_initial_training_values`, `_run_epoch`: the number of steps per epoch is fixed before the
  first one, so that longer epochs would be cut short and shorter ones misnumbered;
- `create_scheduler`: the learning rate would stop short of its end;
- `_init_training_state`: a resumed run would take its epoch from `global_step // steps`; and on a
  mid-epoch resume over several processes the sampler is never told the epoch (`_run_epoch` does);
- `_save_checkpoint`: the selection's state is written before the Trainer's, whose
  `trainer_state.json` comes last, so a checkpoint with that file is complete;
- `_inner_training_loop`: every run, and every retry with a smaller batch, selects afresh;
- `_finalize_training`: the last epoch's feedback has no next epoch to commit it, and the samples
  per second are of those that were trained;
- `compute_loss`, `get_batch_samples`: weights and signals are per sample, and a weighted loss is
  a mean over the whole accumulated batch.
"""

import time
from collections.abc import MutableMapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from torch.optim.lr_scheduler import ReduceLROnPlateau
from transformers import Trainer
from transformers.optimization import GreedyLR
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, get_last_checkpoint

from hf_dynsel import checkpoint
from hf_dynsel.arguments import DynamicSelectionArguments
from hf_dynsel.core import Pool, Selector
from hf_dynsel.diagnostics import describe
from hf_dynsel.distributed import gather_rows, require_agreement
from hf_dynsel.indexed import INDEX, IndexedCollator, IndexedDataset
from hf_dynsel.ledger import Ledger
from hf_dynsel.per_sample import PerSampleLoss, measure, require_known, sample_losses
from hf_dynsel.pool import identity, pool_of, require_rows
from hf_dynsel.provenance import DERIVED
from hf_dynsel.run_length import plan_length
from hf_dynsel.sampler import SelectionSampler
from hf_dynsel.schedule import PacedScheduler, named_schedule
from hf_dynsel.selection_log import SelectionLog
from hf_dynsel.steps import StepCounter

_FED_BY_METRICS = (ReduceLROnPlateau, GreedyLR)  # stepped by evaluation, not by the clock


if TYPE_CHECKING:
    from transformers import Trainer as _Base
else:
    _Base = object


class DynamicSelectionMixin(_Base):
    """What makes a `Trainer` class select; it comes first among the bases.

    Args:
        *args: as for the trainer.
        selector: the selection method.
        pool: scores and labels of `train_dataset`, in its order; by default they are read from
            its `score_*` and label columns.
        per_sample_loss: maps (outputs, labels) to one loss per sample, for selectors that weigh
            samples or want signals; cross-entropy by default.
        **kwargs: as for the trainer; `args` is a `DynamicSelectionArguments`.

    Raises:
        ValueError: if pool and dataset differ in size, a score is missing, or a hyperparameter
            of the selector is out of range.
        TypeError: if the training set is iterable, or `args` is of another class.
    """

    train_dataset: Any
    data_collator: Any
    lr_scheduler: Any

    def __init__(
        self,
        *args: Any,
        selector: Selector,
        pool: Pool | None = None,
        per_sample_loss: PerSampleLoss | None = None,
        **kwargs: Any,
    ) -> None:
        if "train_dataset" in kwargs:  # before the base class asks an iterable one for its length
            IndexedDataset(kwargs["train_dataset"])
        super().__init__(*args, **kwargs)
        if not isinstance(self.args, DynamicSelectionArguments):
            raise TypeError(
                f"args must be DynamicSelectionArguments, got {type(self.args).__name__}: it is "
                "TrainingArguments with a few fields more"
            )
        self.pool = pool_of(self.train_dataset) if pool is None else pool
        require_rows(self.pool, len(IndexedDataset(self.train_dataset)))
        require_known(selector.signals)
        self.selector, self.per_sample_loss = selector, per_sample_loss
        self._resume_from: Path | None = None
        self._begin()

    # ---- A run: a fresh selection, its length, its epochs

    def _begin(self, batch_size: int | None = None) -> None:
        args = self.args
        counter = StepCounter(
            batch_size or self._train_batch_size,
            self.accelerator.num_processes,
            args.gradient_accumulation_steps,
            args.dataloader_drop_last,
        )
        self.run_length = plan_length(self.selector, self.pool, counter, args)
        self.sampler = SelectionSampler(
            self.selector, self.pool, self.run_length.num_epochs, gather=gather_rows
        )
        self.ledger = Ledger()
        self._selection_log = SelectionLog(Path(args.output_dir))
        self._batches_done = 0

    def train(self, resume_from_checkpoint: str | bool | None = None, **kwargs: Any) -> Any:
        """Trains as `Trainer.train` does, on the samples that the selector picks."""
        if resume_from_checkpoint is True:
            resume_from_checkpoint = get_last_checkpoint(self.args.output_dir) or True
        found = isinstance(resume_from_checkpoint, str)
        self._resume_from = Path(str(resume_from_checkpoint)) if found else None
        return super().train(resume_from_checkpoint, **kwargs)

    def _inner_training_loop(self, batch_size: int | None = None, **kwargs: Any) -> Any:
        self._begin(batch_size)
        return super()._inner_training_loop(batch_size, **kwargs)

    def set_initial_training_values(self, args: Any, dataloader: Any) -> tuple[Any, ...]:
        """Returns the base class's numbers, corrected for epochs of different lengths."""
        _, *middle, _ = super().set_initial_training_values(args, dataloader)
        return self.run_length.num_epochs, *middle, self.run_length.total()

    def _init_training_state(self, *args: Any, **kwargs: Any) -> tuple[int, int]:
        super()._init_training_state(*args, **kwargs)
        if self._resume_from is None:
            return 0, 0
        state, meta = checkpoint.load(self._resume_from)
        checkpoint.check_same_run(meta["run"], self._run_identity())
        self.sampler.load_state_dict(state)
        self.ledger.load_state_dict(meta["ledger"])
        if meta["batches"] == self.run_length.counter.batches(len(self.sampler)):
            return self.sampler.epoch + 1, 0
        return self.sampler.epoch, 0 if self.args.ignore_data_skip else meta["batches"]

    def _run_epoch(self, *, epoch: int, train_dataloader: Any, **kwargs: Any) -> None:
        with self.ledger.timed("select"):
            if epoch != self.sampler.epoch:
                self._end_epoch()
                self.sampler.set_epoch(epoch)
        require_agreement(self.sampler.selection_hash(), epoch)
        self._batches_done = 0
        if epoch == kwargs["epochs_trained"]:
            self._batches_done = kwargs["steps_trained_in_current_epoch"]
        if self._batches_done == 0:
            self._start_epoch(epoch)
        kwargs["steps_in_epoch"] = len(train_dataloader)
        kwargs["num_update_steps_per_epoch"] = self.run_length.counter.updates(len(self.sampler))
        start, evaluation = time.perf_counter(), self.ledger.seconds["eval"]
        super()._run_epoch(epoch=epoch, train_dataloader=train_dataloader, **kwargs)
        evaluation = self.ledger.seconds["eval"] - evaluation
        self.ledger.seconds["train"] += time.perf_counter() - start - evaluation

    def _start_epoch(self, epoch: int) -> None:
        size = len(self.sampler)
        if self.run_length.counter.batches(size) == 0:
            raise ValueError(
                f"epoch {epoch} selects {size} samples, less than one batch of "
                f"{self.run_length.counter.batch_size} per process, and dataloader_drop_last "
                "leaves it out; keep more samples or set dataloader_drop_last=False"
            )
        self.state.max_steps = self.run_length.total(epoch, self.state.global_step, size)
        if isinstance(self.lr_scheduler, PacedScheduler):
            stretch = self.run_length.stretch(epoch, size, self.lr_scheduler.position)
            self.lr_scheduler.pace(*stretch, self.run_length.updates(epoch, size))
        if self.args.log_selections and self.args.should_save:
            self._selection_log.write(epoch, self.sampler.selection)
        self.log(describe(self.sampler))

    def _finalize_training(self, trial: Any, num_train_samples: float, start_time: float) -> Any:
        self._end_epoch()
        if self.args.log_selections and self.args.should_save:
            self._selection_log.join(self.sampler.epoch + 1)
        return super()._finalize_training(trial, self.ledger.samples_trained, start_time)

    def _end_epoch(self) -> None:
        feedback = self.sampler.commit()
        if feedback is not None:
            self.ledger.samples_per_epoch.append(len(feedback.indices))
            self.ledger.samples_forwarded += len(feedback.indices)

    # ---- Batches that carry ids

    def get_train_dataloader(self) -> Any:
        """Returns a loader over the selection; every batch carries the ids of its samples."""
        dataset, collator = self.train_dataset, self.data_collator
        if isinstance(dataset, Dataset):
            ours = [name for name in dataset.column_names if name.startswith(DERIVED)]
            rows = self._remove_unused_columns(dataset.remove_columns(ours), "training")
            collate = collator
        else:
            rows, collate = dataset, self._get_collator_with_removed_columns(collator, "training")
        self.train_dataset, self.data_collator = IndexedDataset(rows), IndexedCollator(collate)
        try:
            return super().get_train_dataloader()
        finally:
            self.train_dataset, self.data_collator = dataset, collator

    def _get_train_sampler(self, train_dataset: Any = None) -> SelectionSampler:
        return self.sampler

    # ---- The loss

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> tuple[list[Any], Any]:
        """Returns the batches of one optimizer step, and counts their samples."""
        batches, items = super().get_batch_samples(*args, **kwargs)
        self._samples_in_step: Any = sum(len(batch[INDEX]) for batch in batches)
        if self.accelerator.num_processes > 1:
            own = torch.tensor([self._samples_in_step], device=self.accelerator.device)
            self._samples_in_step = self.accelerator.gather(own).sum()
        return batches, items

    def compute_loss(
        self,
        model: Any,
        inputs: MutableMapping[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Returns the trainer's own loss, or the weighted mean where samples are told apart."""
        indices = inputs.pop(INDEX, None)
        if indices is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        self._batches_done += 1
        if not (self.selector.signals or self.sampler.weighted):
            self.sampler.feedback(indices)
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        outputs = model(**inputs)
        labels = inputs["labels"]
        losses = sample_losses(
            outputs, labels, self.per_sample_loss, self.args.label_smoothing_factor
        )
        signals = measure(self.selector.signals, outputs, labels, losses)
        weights = self.sampler.feedback(indices, **signals)
        weighted = losses if weights is None else losses * weights
        # Processes average their gradients, so the sum is over all of them and the mean ours.
        loss = weighted.sum() / self._samples_in_step * self.accelerator.num_processes
        # Ours is a mean over the whole step; the base class divides by this, or not at all,
        # depending on its version and on the model's signature.
        self.current_gradient_accumulation_steps = 1
        return (loss, outputs) if return_outputs else loss

    # ---- The learning rate, evaluation, checkpoints

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Returns the schedule, paced so that it ends with the run whatever the epochs' lengths."""
        steps, name = self.run_length.schedule_steps(), self.args.lr_schedule
        if self.lr_scheduler is None and name is not None:
            kwargs = dict(self.args.lr_scheduler_kwargs or {})
            self.lr_scheduler = named_schedule(
                name, self.optimizer, steps, self.run_length.epochs, **kwargs
            )
        schedule = super().create_scheduler(steps, optimizer)
        if not isinstance(schedule, (PacedScheduler, *_FED_BY_METRICS)):
            self.lr_scheduler = PacedScheduler(schedule)
        return self.lr_scheduler

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as `Trainer.evaluate` does."""
        with self.ledger.timed("eval"):
            return super().evaluate(*args, **kwargs)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if not self.args.save_only_model:
            name = f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
            state = self.sampler.state_dict()  # gathers, so on every process
            meta = {
                "batches": self._batches_done,
                "ledger": self.ledger.state_dict(),
                "run": self._run_identity(),
            }
            if self.args.should_save:
                checkpoint.save(Path(self._get_output_dir(trial=trial)) / name, state, meta)
        super()._save_checkpoint(model, trial)

    @cached_property
    def _data_hash(self) -> str:  # reads the data once, not at every checkpoint
        return identity(self.train_dataset, self.pool)

    def _run_identity(self) -> dict[str, Any]:
        return checkpoint.run_identity(self.selector, self.run_length.epochs, self._data_hash)


class DynamicSelectionTrainer(DynamicSelectionMixin, Trainer):
    """The Hugging Face `Trainer` over a subset that a selector changes every epoch."""
