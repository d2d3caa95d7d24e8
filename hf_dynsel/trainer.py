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
- `_finalize_training`: the last epoch's feedback has no next epoch to commit it, nor a last look;
- `log`: the samples per second would be of epochs of one length;
- `compute_loss`, `get_batch_samples`: weights and signals are per sample, means per whole step;
- `create_model_card`, `push_to_hub`, `_push_from_checkpoint`, `_finish_current_push` (all in
  `PushesSelection`): the card says what was selected, and of the output folder only the model goes.

`overrides.py` checks that `Trainer` still has these methods.
"""

import inspect
from collections.abc import Mapping, MutableMapping
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import Trainer
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from hf_dynsel import checkpoint, other_trainers
from hf_dynsel.arguments import require_supported
from hf_dynsel.augment import Augmenter
from hf_dynsel.collect import collecting
from hf_dynsel.core import Pool, Selector, Sweep
from hf_dynsel.device_images import device_images
from hf_dynsel.diagnostics import describe
from hf_dynsel.forward import with_outputs
from hf_dynsel.indexed import INDEX, IndexedDataset
from hf_dynsel.lengths import order_of
from hf_dynsel.loaders import carrying_ids, for_model
from hf_dynsel.mixing import Mixing, require_replaceable
from hf_dynsel.objective import Objective
from hf_dynsel.overrides import require_called, require_overrides
from hf_dynsel.per_sample import PerSample, PerSampleLoss
from hf_dynsel.pool import identity, pool_of, require_rows
from hf_dynsel.progress import Progress
from hf_dynsel.resume import best_checkpoint, require_batches_skipped, resolve
from hf_dynsel.run_length import plan_length
from hf_dynsel.schedule import named_schedule, paced
from hf_dynsel.selection_log import SelectionLog
from hf_dynsel.sharing.trainer_push import PushesSelection
from hf_dynsel.steps import counter_of
from hf_dynsel.sweep import clean_view, read_by, sweeper_of
from hf_dynsel.training_view import TrainingView


class DynamicSelectionMixin(PushesSelection):
    """What makes a `Trainer` class select; it comes first among the bases.

    Args:
        *args: as for the trainer.
        selector: the selection method.
        pool: scores and labels of `train_dataset`, in its order; by default they are read from
            its `score_*` and label columns.
        per_sample_loss: maps (outputs, labels) to one loss per sample, for selectors that weigh
            samples or want signals; by default the loss of the task, which the shapes tell.
        clean_dataset: the rows of `train_dataset` as evaluation would see them, for selectors
            that look at samples in a pass of their own; needed where it has a transform.
        augment: what is done to the samples that the selector marks, on top of their transform.
        mixing: makes mixed samples of each training batch, and the loss a soft cross-entropy.
        **kwargs: as for the trainer; `args` is a `DynamicSelectionArguments`.

    Raises:
        ValueError: if pool and dataset differ in size, a score is missing, or a hyperparameter
            of the selector is out of range.
        TypeError: if the training set is iterable, or `args` is of another class.
        RuntimeError: if this version of `Trainer` lacks what is overridden.
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
        clean_dataset: Any = None,
        augment: Augmenter | None = None,
        mixing: Mixing | None = None,
        **kwargs: Any,
    ) -> None:
        require_overrides()
        other_trainers.require_no_sampler(type(self))
        bound = inspect.signature(super().__init__).bind_partial(*args, **kwargs)
        given = bound.arguments.get("train_dataset", kwargs.get("train_dataset"))
        if given is not None:  # before the base class asks an iterable one for its length
            IndexedDataset(given)
        super().__init__(*args, **kwargs)
        require_supported(self.args, selector, augment)
        require_replaceable(super().compute_loss, self.compute_loss_func, mixing)
        other_trainers.require_rows_in_place(self.args)
        # Of what the user gave: a base class may drop columns as it prepares them, and even rows.
        given = IndexedDataset(self.train_dataset if given is None else given).dataset
        self.pool = pool_of(given, selector.reads()) if pool is None else pool
        require_rows(self.pool, len(given))
        other_trainers.require_rows_kept(type(self), len(given), len(self.train_dataset))
        self.selector, self.per_sample_loss = selector, per_sample_loss
        self._clean, self._augment, self._mixing = clean_dataset, augment, mixing
        self._resume_from: Path | None = None
        self._begin()
        if self._objective.needed:
            other_trainers.require_own_losses(type(self), self.progress.selector)

    # ---- A run: a fresh selection, its length, its epochs

    def _begin(self, batch_size: int | None = None, trial: Any = None) -> None:
        args, callbacks = self.args, self.callback_handler.callbacks
        selector = collecting(self.selector, callbacks, self.train_dataset)
        counter = counter_of(args, self.accelerator, batch_size or self._train_batch_size)
        self.run_length = plan_length(selector, self.pool, counter, args)
        writes = args.log_selections and args.should_save
        log = SelectionLog(Path(self._get_output_dir(trial=trial))) if writes else None
        order = order_of(args, self.train_dataset, self.processing_class, counter.global_batch)
        epochs = self.run_length.num_epochs
        self._clean = clean_view(self._clean, self.train_dataset, selector, epochs)
        self.progress = Progress(selector, self.pool, self.run_length, order, log)
        self.sampler, self.ledger = self.progress.sampler, self.progress.ledger
        smoothing = 0.0 if self.label_smoother is None else args.label_smoothing_factor
        read = selector.signals, self.per_sample_loss, smoothing, self._mixing is not None
        per_sample = PerSample(self.model, *read)
        self._objective = Objective(self.sampler, per_sample, counter)
        seed = args.seed if args.data_seed is None else args.data_seed
        changes = self._augment, self._mixing, device_images(self.train_dataset, seed, args.device)
        self._view = TrainingView(selector, self.pool.size, seed, *changes)
        self._finished = False

    def _look(self, wanted: Sweep) -> dict[str, Any]:
        rows, collate = for_model(self, self._clean)
        per_sample = read_by(wanted, self.model, self.per_sample_loss)
        return sweeper_of(self.args, rows, collate)(self.model, wanted, per_sample, self._labels)

    def train(self, resume_from_checkpoint: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains as `Trainer.train` does, on the samples that the selector picks.

        With `resume_from_checkpoint=True` it goes on from the last checkpoint that is complete, or
        from the beginning if the run was killed while it wrote its first.
        """
        asked = resolve(resume_from_checkpoint, Path(self.args.output_dir))
        self._resume_from = Path(asked) if isinstance(asked, str) else None
        output = super().train(asked, *args, **kwargs)
        require_called(self._finished, self.sampler.epoch + 1)
        return output

    def _inner_training_loop(self, batch_size: int | None = None, **kwargs: Any) -> Any:
        self._begin(batch_size, kwargs.get("trial"))
        return super()._inner_training_loop(batch_size, **kwargs)

    def set_initial_training_values(self, args: Any, dataloader: Any) -> tuple[Any, ...]:
        """Returns the base class's numbers, corrected for epochs of different lengths."""
        _, *middle, _ = super().set_initial_training_values(args, dataloader)
        return self.run_length.num_epochs, *middle, self.run_length.total()

    def _init_training_state(self, *args: Any, **kwargs: Any) -> tuple[int, int]:
        super()._init_training_state(*args, **kwargs)
        if self._resume_from is None:
            return 0, 0
        self.state.best_model_checkpoint = best_checkpoint(self.state, self._resume_from.parent)
        epoch, batches = self.progress.load(self._resume_from, self._data_hash)
        require_batches_skipped(self.accelerator, batches)
        if self.state.global_step >= self._steps(epoch, batches):
            return self.run_length.num_epochs, 0  # it ended inside this epoch
        return epoch, batches

    def _steps(self, epoch: int, batches: int) -> int:
        """Returns the steps of the whole run, with so many batches of an epoch behind it."""
        before = self.state.global_step - batches // self.args.gradient_accumulation_steps
        return self.run_length.total(epoch, before, len(self.sampler))

    def _run_epoch(self, *, epoch: int, train_dataloader: Any, **kwargs: Any) -> None:
        resumed = epoch == kwargs["epochs_trained"]
        done = kwargs["steps_trained_in_current_epoch"] if resumed else 0
        self.progress.enter(epoch, done, self._look)
        self._view.start(epoch, self.sampler.selection)
        self.state.max_steps = self._steps(epoch, done)
        if done == 0:
            self.progress.pace(self.lr_scheduler)
            self.log(describe(self.sampler))
        kwargs["steps_in_epoch"] = len(train_dataloader)
        kwargs["num_update_steps_per_epoch"] = self.progress.updates
        with self.ledger.timed("train"):
            super()._run_epoch(epoch=epoch, train_dataloader=train_dataloader, **kwargs)

    def _finalize_training(self, trial: Any, num_train_samples: float, start_time: float) -> Any:
        self.progress.finish(self._look)
        self._finished = True
        return super()._finalize_training(trial, num_train_samples, start_time)

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Logs as `Trainer.log` does; the samples per second are of those trained in this call."""
        if "train_samples_per_second" in logs:
            speed = self.progress.samples_trained_here / logs["train_runtime"]
            logs["train_samples_per_second"] = round(speed, 3)
        super().log(logs, *args, **kwargs)

    # ---- Batches that carry ids

    def get_train_dataloader(self) -> Any:
        """Returns a loader over the selection; every batch carries the ids of its samples."""
        self._sampled = False
        with carrying_ids(self, self._view):
            if other_trainers.of_sentence_transformers(type(self)):
                return Trainer.get_train_dataloader(self)  # its own batches the whole pool
            loader = super().get_train_dataloader()
        other_trainers.require_sampled(type(self), self._sampled)
        return loader

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        self._sampled = True
        return self.sampler

    # ---- The loss

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> tuple[list[Any], Any]:
        """Returns the batches of one optimizer step, whose samples are counted where needed."""
        batches, items = super().get_batch_samples(*args, **kwargs)
        if self._objective.needed:
            ids = [batch[INDEX] for batch in batches]
            labels = [self._labels(batch) for batch in batches]
            self._objective.start_step(ids, labels, self.progress.batches)
        return batches, items

    def _labels(self, inputs: Mapping[str, Any]) -> Any:
        labels = {name: inputs[name] for name in self.label_names if name in inputs}
        return labels.get("labels", labels or None)

    def compute_loss(
        self,
        model: Any,
        inputs: MutableMapping[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Returns the trainer's own loss, or the weighted mean where samples are told apart."""
        ids = inputs.pop(INDEX, None)
        if ids is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        self.progress.batches += 1
        self._view.of_batch(inputs, ids)
        if not self._objective.needed:
            self.sampler.feedback(ids)
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        forward = with_outputs(super().compute_loss, model, num_items_in_batch)
        loss, outputs = self._objective.micro_batch(model, dict(inputs), ids, self._labels, forward)
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
            self._created_lr_scheduler = True  # so that the next run makes its own
        self.lr_scheduler = paced(super().create_scheduler(steps, optimizer))
        return self.lr_scheduler

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as `Trainer.evaluate` does."""
        with self.ledger.timed("eval"):
            return super().evaluate(*args, **kwargs)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if not self.args.save_only_model:
            name = f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
            folder = Path(self._get_output_dir(trial=trial)) / name
            if self.args.should_save:
                checkpoint.clear(folder)
            ended = self.control.should_epoch_stop
            self.progress.save(folder, self._data_hash, self.args.should_save, ended)
        super()._save_checkpoint(model, trial)

    @cached_property
    def _data_hash(self) -> str:  # reads the data once, not at every checkpoint
        return identity(self.train_dataset, self.pool)


class DynamicSelectionTrainer(DynamicSelectionMixin, Trainer):
    """The Hugging Face `Trainer` over a subset that a selector changes every epoch."""
