"""Runs one setting through the trainer, the loop or the simulator, and notes what came of it."""

import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from accelerate import PartialState
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from conftest import Net
from distributed_cases import EPOCHS, Case, scored
from hf_dynsel import DynamicSelectionTrainer, Feedback, Selector, loop
from hf_dynsel.indexed import INDEX
from hf_dynsel.ledger import Ledger
from hf_dynsel.pool import pool_of
from hf_dynsel.progress import Progress
from hf_dynsel.sampler import SelectionSampler
from hf_dynsel.simulate import epochs
from trainer_kit import build

LEARNING_RATE = 0.1


class Interrupted(Exception):
    pass


@dataclass(frozen=True)
class Setting:
    """What every driver is given. Of 25 rows in fours, the last batch and step are short."""

    selector: Callable[[], Selector]
    accumulation: int = 2
    model: Callable[[], nn.Module] = Net
    data: Callable[[int], Any] = cache(scored)
    rows: int = 25
    batch_size: int = 4
    save_steps: int = 2


@dataclass
class Run:
    """What a driver did.

    Args:
        batches: epoch, ids and loss weights of each micro-batch.
        rates: learning rate of each optimizer step.
        reports: what the selector was told after each epoch.
        sweeps: what it was shown before an epoch.
    """

    batches: list[tuple[int, list[int], list[float]]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    reports: list[Feedback] = field(default_factory=list)
    sweeps: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)
    usage: np.ndarray = field(default_factory=lambda: np.empty(0))
    state: dict[str, np.ndarray] = field(default_factory=dict)
    costs: dict[str, Any] = field(default_factory=dict)
    model: dict[str, torch.Tensor] = field(default_factory=dict)

    def weights(self) -> dict[int, dict[int, float]]:
        """The weight of each sample that was selected, by epoch."""
        found: dict[int, dict[int, float]] = {}
        for epoch, ids, weights in self.batches:
            found.setdefault(epoch, {}).update(zip(ids, weights, strict=True))
        return found


@contextmanager
def watched(stop: int | None = None) -> Iterator[Run]:
    """Notes what is trained inside; interrupts it in micro-batch `stop`, counted from zero."""
    run, feedback, commit = Run(), SelectionSampler.feedback, SelectionSampler.commit
    show = SelectionSampler.show

    def noted(sampler: SelectionSampler, ids: torch.Tensor, **signals: torch.Tensor) -> Any:
        if len(run.batches) == stop:
            raise Interrupted
        weights = feedback(sampler, ids, **signals)
        values = [1.0] * len(ids) if weights is None else weights.tolist()
        run.batches.append((sampler.epoch, ids.tolist(), values))
        return weights

    def reported(sampler: SelectionSampler) -> Feedback | None:
        if (report := commit(sampler)) is not None:
            run.reports.append(report)
        return report

    def shown(sampler: SelectionSampler, signals: Any) -> None:
        run.sweeps[sampler.epoch] = dict(signals)
        show(sampler, signals)

    def stepped(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        run.rates.append(optimizer.param_groups[0]["lr"])

    hook = register_optimizer_step_post_hook(stepped)
    with (
        patch.object(SelectionSampler, "feedback", noted),
        patch.object(SelectionSampler, "commit", reported),
        patch.object(SelectionSampler, "show", shown),
    ):
        try:
            yield run
        except Interrupted:
            assert stop is not None
        finally:
            hook.remove()


@contextmanager
def little_garbage() -> Iterator[None]:
    """The trainer collects garbage, for a second where it searches what the imports left."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def run_trainer(
    setting: Setting, folder: Path, stop: int | None = None, resume: bool = False, **changes: Any
) -> Run:
    with watched(stop) as run:
        trainer = build(
            folder,
            setting.selector(),
            cls=DynamicSelectionTrainer,
            model=setting.model(),
            train_dataset=setting.data(setting.rows),
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=setting.batch_size,
            gradient_accumulation_steps=setting.accumulation,
            learning_rate=LEARNING_RATE,
            save_strategy="steps",
            save_steps=setting.save_steps,
            logging_strategy="no",
            **changes,
        )
        begun = resume and any(folder.glob("checkpoint-*"))
        torch.manual_seed(0)
        with little_garbage():
            trainer.train(resume_from_checkpoint=True if begun else None)
        _finish(run, trainer.progress, trainer.model)
    return run


def run_loop(
    setting: Setting, folder: Path, stop: int | None = None, resume: bool = False, **changes: Any
) -> Run:
    model = setting.model()
    with watched(stop) as run:
        torch.manual_seed(0)
        progress = loop.train(
            model,
            setting.data(setting.rows),
            setting.selector(),
            torch.optim.SGD(model.parameters(), LEARNING_RATE),
            epochs=EPOCHS,
            batch_size=setting.batch_size,
            output_dir=folder,
            accumulation=setting.accumulation,
            save_steps=setting.save_steps,
            resume=resume,
            **changes,
        )
        _finish(run, progress, model)
    return run


def _finish(run: Run, progress: Progress, model: nn.Module) -> None:
    run.usage = progress.sampler.usage.copy()
    run.state = {name: array.copy() for name, array in progress.selector.state_dict().items()}
    run.costs = progress.ledger.state_dict()
    del run.costs["seconds"]
    for sweep in run.costs["sweeps"]:
        for name in [name for name in sweep if name.startswith("seconds")]:
            del sweep[name]
    run.model = {name: tensor.clone() for name, tensor in model.state_dict().items()}


class Replay:
    """A learner that reports what a training reported, and notes what the selector makes of it."""

    def __init__(self, selector: Selector, whole: Run, run: Run) -> None:
        self.selector, self.reports, self.run = selector, whole.reports, run
        self.sweeps = dict(whole.sweeps)

    def __call__(self, epoch: int, rows: np.ndarray) -> dict[str, np.ndarray]:
        if epoch in self.sweeps:
            return self.sweeps.pop(epoch)  # before the epoch; after it, what it was trained on
        report = self.reports[epoch]
        assert np.array_equal(rows, report.indices)
        signals = {name: report.signals[name] for name in self.selector.signals}
        selection, weights = self.selector.select(epoch), np.ones(len(rows), np.float32)
        if selection.weights is not None:
            weights = selection.weights[np.argsort(selection.indices)].astype(np.float32)
        fresh = self.selector.weigh(Feedback(epoch, rows, signals))
        if fresh is not None:
            weights = weights * fresh.astype(np.float32)
        self.run.usage[rows if fresh is None else rows[weights > 0]] += 1
        self.run.batches.append((epoch, rows.tolist(), weights.tolist()))
        return signals


def run_simulator(setting: Setting, whole: Run, pause: int | None = None) -> Run:
    """Simulates a training from what it reported; from epoch `pause` on, with a new selector.

    The new one has nothing of the first but its state.
    """
    selector = setting.selector()
    pool = pool_of(setting.data(setting.rows), selector.reads())
    run = Run(usage=np.zeros(pool.size, np.int32))
    selections = epochs(selector, pool, EPOCHS, Replay(selector, whole, run), Ledger())
    if pause is None:
        assert len(list(selections)) == EPOCHS
    else:
        list(islice(selections, pause + 1))  # the last of them is selected and not yet observed
        state = {name: array.copy() for name, array in selector.state_dict().items()}
        selector = setting.selector()
        selector.setup(pool, EPOCHS)
        selector.load_state_dict(state)
        learner = Replay(selector, whole, run)
        learner.sweeps.pop(pause, None)  # shown before the state was taken
        for epoch in range(pause, EPOCHS):
            if epoch > pause and (wanted := selector.sweep(epoch)) is not None:
                seen = learner(epoch, wanted.indices)
                selector.observe(Feedback(epoch, wanted.indices, seen, swept=True))
            rows = np.sort(selector.select(epoch).indices)
            selector.observe(Feedback(epoch, rows, learner(epoch, rows)))
    run.state = selector.state_dict()
    return run


class Witness:
    """Notes of the loop what the distributed tests note of the trainer."""

    def __init__(self, optimizer: torch.optim.Optimizer, selector: Selector) -> None:
        self.notes: dict[str, Any] = {"hashes": {}, "orders": {}, "ids": [], "observed": []}
        self.notes["swept"] = []
        self.notes["rates"], self.steps = [], 0
        self.optimizer, self.backward, self.observe = optimizer, loop._backward, selector.observe

    def backward_noted(
        self, accelerator: Any, model: Any, step: Any, objective: Any, progress: Progress
    ) -> None:
        sampler, self.steps = progress.sampler, self.steps + 1
        self.notes["hashes"][sampler.epoch] = sampler.selection_hash()
        self.notes["orders"][sampler.epoch] = sampler.order.tolist()
        self.notes["ids"] += [(sampler.epoch, batch[INDEX].tolist()) for batch in step]
        self.notes["rates"] += [self.optimizer.param_groups[0]["lr"]] * len(step)
        self.backward(accelerator, model, step, objective, progress)

    def observe_noted(self, report: Feedback) -> None:
        signals = {name: values.tolist() for name, values in report.signals.items()}
        notes = self.notes["swept" if report.swept else "observed"]
        notes.append({"indices": report.indices.tolist(), "signals": signals})
        self.observe(report)


def run_loop_case(case: Case, folder: Path, resume: Path | None = None) -> dict[str, Any]:
    """Trains a case of the distributed tests with the loop; its name gets a "loop " in front.

    Args:
        case: its settings may be accumulation, Adam and how often to save.
        folder: emptied and written to.
        resume: a checkpoint of another launch to go on from.
    """
    known = {"gradient_accumulation_steps": 1, "save_steps": 500, "optim": "sgd"}
    settings = known | {k: v for k, v in case.settings.items() if k != "save_strategy"}
    assert settings.keys() == known.keys(), f"the loop has not all of {case.settings}"
    selector, model, state = case.selector(), case.model(), PartialState()
    adam = settings["optim"] == "adamw_torch"
    optimizer = (torch.optim.AdamW if adam else torch.optim.SGD)(
        model.parameters(), LEARNING_RATE, weight_decay=0.0
    )
    if state.is_main_process:
        shutil.rmtree(folder, ignore_errors=True)
        if resume is not None:
            shutil.copytree(resume, folder / resume.name)
    state.wait_for_everyone()
    witness = Witness(optimizer, selector)
    with (
        patch.object(loop, "_backward", witness.backward_noted),
        patch.object(selector, "observe", witness.observe_noted),
    ):
        progress = loop.train(
            model,
            case.dataset(),
            selector,
            optimizer,
            epochs=EPOCHS,
            batch_size=case.batch_size(state.num_processes),
            output_dir=folder,
            accumulation=settings["gradient_accumulation_steps"],
            save_steps=settings["save_steps"],
            per_sample_loss=case.per_sample_loss,
            resume=resume is not None,
        )
    steps = witness.steps + (0 if resume is None else int(resume.name.rpartition("-")[2]))
    return witness.notes | {
        "name": f"loop {case.name}",
        "usage": progress.sampler.usage.tolist(),
        "samples_per_epoch": progress.ledger.samples_per_epoch,
        "forwarded": progress.ledger.samples_forwarded,
        "steps": [steps, steps],  # the loop plans no number of its own
        "epoch": float(progress.sampler.epoch + 1),
        "parameters": [parameter.tolist() for parameter in model.parameters()],
    }
