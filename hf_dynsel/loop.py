"""`train`: the run of `DynamicSelectionTrainer` as a plain Accelerate script, to copy and change.

It selects the same samples as the trainer and ends with the same weights. It leaves out what is
not training: evaluation, logs, the Hub. One function from top to bottom, and what it calls below.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, skip_first_batches
from datasets import Dataset
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader
from transformers import default_data_collator, get_linear_schedule_with_warmup

from hf_dynsel.augment import Augmenter
from hf_dynsel.checkpoint import META
from hf_dynsel.core import Pool, Selector, Sweep
from hf_dynsel.device_images import device_images
from hf_dynsel.indexed import INDEX, IndexedDataset
from hf_dynsel.mixing import Mixing
from hf_dynsel.objective import Objective
from hf_dynsel.own_loss import own_loss, target_count
from hf_dynsel.per_sample import PerSample, PerSampleLoss
from hf_dynsel.pool import identity, pool_of, require_rows
from hf_dynsel.progress import Progress
from hf_dynsel.provenance import without_derived
from hf_dynsel.run_length import RunLength
from hf_dynsel.schedule import PacedScheduler
from hf_dynsel.selection_log import SelectionLog
from hf_dynsel.steps import StepCounter
from hf_dynsel.sweep import Sweeper, clean_view, read_by
from hf_dynsel.training_view import TrainingView

Schedule = Callable[[Optimizer, int], LRScheduler]


def linear(optimizer: Optimizer, num_steps: int) -> LRScheduler:
    """Returns the trainer's default schedule: in a straight line to zero."""
    schedule: LRScheduler = get_linear_schedule_with_warmup(optimizer, 0, num_steps)
    return schedule


def train(
    model: nn.Module,
    dataset: Any,
    selector: Selector,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int,
    output_dir: str | Path,
    accumulation: int = 1,
    schedule: Schedule = linear,
    max_grad_norm: float = 1.0,
    save_steps: int = 500,
    resume: bool = False,
    collate: Callable[[list[Any]], Any] = default_data_collator,
    num_workers: int = 0,
    pool: Pool | None = None,
    per_sample_loss: PerSampleLoss | None = None,
    clean_dataset: Any = None,
    augment: Augmenter | None = None,
    mixing: Mixing | None = None,
) -> Progress:
    """Trains a model in place on what a selector picks; returns the run's usage and ledger.

    `accelerate launch` gives it several processes, a GPU or another precision.

    Args:
        model: takes the columns of a batch and returns a mapping with "loss"; and with "logits",
            if the selector weighs samples or learns from signals.
        dataset: map-style. Its columns are those the model takes, and scores.
        selector: the selection method.
        optimizer: of the model's parameters.
        epochs: how many.
        batch_size: samples per micro-batch of one process.
        output_dir: for the checkpoints, one folder each, and `selections.parquet`.
        accumulation: micro-batches per optimizer step.
        schedule: makes a learning-rate schedule for an optimizer and a number of steps.
        max_grad_norm: what longer gradients are scaled down to; zero leaves them.
        save_steps: optimizer steps from one checkpoint to the next.
        resume: go on from the last checkpoint; without one, start.
        collate: makes a batch of samples.
        num_workers: processes that load data, for each that trains.
        pool: scores and labels, in the order of the dataset; by default from its columns.
        per_sample_loss: maps (outputs, labels) to one loss per sample; by default that of the
            task, which the shapes tell.
        clean_dataset: the rows as evaluation would see them, for selectors that look at samples
            in a pass of their own; needed where the dataset has a transform.
        augment: what is done to the samples that the selector marks, on top of their transform.
        mixing: makes mixed samples of each batch, and the loss a soft cross-entropy.

    Raises:
        ValueError: if a number, the pool, the selector or a checkpoint does not fit the others.
        TypeError: if the dataset is iterable, or the model returns no loss.
    """
    _require_positive(
        epochs=epochs, batch_size=batch_size, accumulation=accumulation, save_steps=save_steps
    )
    accelerator = Accelerator()
    IndexedDataset(dataset)  # refuses an iterable one, which has no rows for a pool
    pool = pool_of(dataset, selector.reads()) if pool is None else pool
    require_rows(pool, len(dataset))
    # With random numbers of its own, so that a resumed run repeats random transforms.
    images = device_images(dataset, selector.seed, accelerator.device)
    view = TrainingView(selector, pool.size, selector.seed, augment, mixing, images)

    counter = StepCounter(batch_size, accelerator.num_processes, accumulation)
    length = RunLength(selector, counter, epochs)
    output_dir = Path(output_dir)
    log = SelectionLog(output_dir) if accelerator.is_main_process else None
    progress = Progress(selector, pool, length, log=log)
    clean = _for_model(clean_view(clean_dataset, dataset, selector, epochs))
    sweeper = Sweeper(clean, collate, batch_size, num_workers)

    def look(wanted: Sweep) -> dict[str, Any]:
        plain = accelerator.unwrap_model(model)
        return sweeper(plain, wanted, read_by(wanted, plain, per_sample_loss), _labels)

    per_sample = PerSample(model, selector.signals, per_sample_loss, soft=mixing is not None)
    objective = Objective(progress.sampler, per_sample, counter)

    loader = DataLoader(
        view.dataset(_for_model(dataset)),
        batch_size,
        sampler=progress.sampler,
        collate_fn=view.collator(collate),
        num_workers=num_workers,
        generator=torch.Generator(),
    )
    scheduler = PacedScheduler(schedule(optimizer, length.schedule_steps()))
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    accelerator.prepare_scheduler(scheduler)  # for checkpoints; what it returns is not stepped

    data = identity(dataset, pool)
    steps, last = _last_checkpoint(output_dir, resume)
    start, done = 0, 0
    if last is not None:
        start, done = progress.load(last, data)
        accelerator.load_state(str(last))

    model.train()
    for epoch in range(start, epochs):
        progress.enter(epoch, done, look)
        view.start(epoch, progress.sampler.selection)
        if done == 0:
            progress.pace(scheduler)
            # As a loader without a generator draws it. Going on within an epoch draws nothing:
            # the number is of the stream that dropout uses.
            loader.generator.manual_seed(int(torch.randint(2**63 - 1, ())))
        loader.set_epoch(epoch)
        batches = iter(skip_first_batches(loader, done) if done else loader)
        with progress.ledger.timed("train"):
            while step := list(islice(batches, accumulation)):
                for batch in step:
                    view.of_batch(batch, batch[INDEX])
                _backward(accelerator, model, step, objective, progress)
                if max_grad_norm > 0:
                    accelerator.clip_grad_norm_(model.parameters(), max_grad_norm)
                optimizer.step()
                if not accelerator.optimizer_step_was_skipped:
                    scheduler.step()
                optimizer.zero_grad()
                steps += 1
                if steps % save_steps == 0:
                    _save(accelerator, progress, output_dir / f"step-{steps}", data)
        done = 0
    progress.finish(look)
    return progress


def _for_model(dataset: Any) -> Any:
    return without_derived(dataset) if isinstance(dataset, Dataset) else dataset


def _backward(
    accelerator: Accelerator,
    model: nn.Module,
    step: Sequence[dict[str, Any]],
    objective: Objective,
    progress: Progress,
) -> None:
    """Adds up the gradient of one optimizer step, given as its micro-batches."""
    ids = [batch.pop(INDEX) for batch in step]
    count: dict[str, Tensor] = {}
    if objective.needed:
        objective.start_step(ids, [batch.get("labels") for batch in step], progress.batches)
    else:
        count = target_count(objective.per_sample.model, step)
    for left, own_ids, inputs in zip(range(len(step))[::-1], ids, step, strict=True):
        progress.batches += 1
        with accelerator.no_sync(model) if left else nullcontext():
            if objective.needed:
                loss, _ = objective.micro_batch(
                    model, inputs, own_ids, _labels, partial(_forward, model)
                )
            else:
                objective.sampler.feedback(own_ids)
                loss = own_loss(model(**inputs, **count))
                # Accelerate's `accumulate` would divide an epoch's last, short step by too much.
                loss = loss * accelerator.num_processes if count else loss / len(step)
            accelerator.backward(loss)


def _labels(inputs: Mapping[str, Any]) -> Any:
    return inputs.get("labels")


def _forward(model: nn.Module, inputs: dict[str, Any]) -> tuple[Any, Tensor]:
    outputs = model(**inputs)
    return outputs, own_loss(outputs)


def _save(accelerator: Accelerator, progress: Progress, folder: Path, data: str) -> None:
    """Writes a checkpoint; the selection comes last, so a folder that has one is complete."""
    accelerator.save_state(str(folder))
    accelerator.wait_for_everyone()
    progress.save(folder, data, accelerator.is_main_process)


def _last_checkpoint(output_dir: Path, resume: bool) -> tuple[int, Path | None]:
    """Returns the steps and the folder of the last complete checkpoint."""
    folders = [selection.parent for selection in output_dir.glob(f"step-*/{META}")]
    steps = {int(folder.name.rpartition("-")[2]): folder for folder in folders}
    if not steps:
        return 0, None
    if not resume:
        raise ValueError(
            f"{output_dir} has checkpoints of an earlier run, up to step {max(steps)}; pass "
            "resume=True to go on with it, or another output_dir"
        )
    return max(steps), steps[max(steps)]


def _require_positive(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
