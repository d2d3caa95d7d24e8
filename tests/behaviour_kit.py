"""Twins of trainers, and accounts of what they trained on, for the tests of behaviour."""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from transformers import (
    TrainerCallback,
)

from conftest import Net, Sized, table
from hf_dynsel import Pool, SelectionSampler
from hf_dynsel.selectors import FullData
from trainer_kit import PlainTrainer, RecordingTrainer, arguments

TIMES = ("runtime", "per_second", "preparation_time")
OURS = {"selection.json", "selection.safetensors", "selections.parquet"}
SIZES = (8, 20, 12, 24)  # 2, 5, 3 and 6 steps of 4
ENDS = [2, 7, 10, 16]


def accuracy(prediction):
    hits = prediction.predictions.argmax(1) == prediction.label_ids
    return {"accuracy": float(hits.mean())}


def scripted(*scores):
    """Metrics whose score is, at each evaluation, the next of these."""
    upcoming = iter(scores)
    return lambda prediction: {"score": next(upcoming)}


def orders(count, epochs=8):
    sampler = SelectionSampler(FullData(), Pool(count), epochs)
    shuffled = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        shuffled.append(list(sampler))
    return shuffled


def twins(folder, given=dict, model=Net, data=lambda: table(22), **settings):
    """Returns the Trainer, and ours with all of its data in the same order; both trained."""
    trained = []
    for name, cls in (("plain", PlainTrainer), ("ours", RecordingTrainer)):
        torch.manual_seed(0)
        last = {"orders": orders(22)} if name == "plain" else {"selector": FullData()}
        common = {"eval_dataset": table(9), "compute_metrics": accuracy} | given()
        trainer = cls(
            model=model(),
            args=arguments(folder / name, **settings),
            train_dataset=data(),
            **common,
            **last,
        )
        trainer.train()
        trained.append(trainer)
    return trained


def history(trainer):
    """The log, without wall times and without what only a selection has."""
    return [
        {name: value for name, value in entry.items() if not name.endswith(TIMES)}
        for entry in trainer.state.log_history
        if "selection/size" not in entry
    ]


def state(trainer):
    values = dataclasses.asdict(trainer.state) | {"log_history": history(trainer)}
    if best := values["best_model_checkpoint"]:
        values["best_model_checkpoint"] = Path(best).name
    return values


def files(trainer):
    root = Path(trainer.args.output_dir)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def assert_alike(plain, ours):
    for name, tensor in plain.model.state_dict().items():
        assert torch.equal(ours.model.state_dict()[name], tensor)
    assert state(ours) == state(plain)
    assert {name for name in files(ours) if Path(name).name not in OURS} == files(plain)


def samples_timed(trainer):
    """How many samples the reported speed is of."""
    last = trainer.state.log_history[-1]
    return last["train_samples_per_second"] * last["train_runtime"]


def moving(folder, selector=None, cls=RecordingTrainer, given=dict, **settings):
    """Returns our trainer over epochs of different lengths, not yet trained."""
    return cls(
        model=Net(),
        args=arguments(folder, **settings),
        train_dataset=table(24),
        eval_dataset=table(9),
        selector=Sized(sizes=SIZES) if selector is None else selector,
        **given(),
    )


def assert_accounts_match(trainer):
    """Ledger, usage and log cover what was trained, no more and no less."""
    trained = trainer.epochs()
    counts = np.bincount(np.concatenate(trained), minlength=24)
    assert trainer.ledger.samples_per_epoch == [len(ids) for ids in trained]
    assert trainer.sampler.usage.tolist() == counts.tolist()
    logged = pq.read_table(f"{trainer.args.output_dir}/selections.parquet").to_pydict()
    pairs = list(zip(logged["epoch"], logged["index"], strict=True))
    assert sorted(pairs) == sorted((e, i) for e, ids in enumerate(trained) for i in ids)


class EachEpoch(TrainerCallback):
    """Notes when epochs begin and end."""

    def __init__(self):
        self.begun, self.ended = [], []

    def on_epoch_begin(self, args, state, control, **kwargs):
        self.begun.append((state.epoch, state.global_step))

    def on_epoch_end(self, args, state, control, **kwargs):
        self.ended.append((state.epoch, state.global_step))


class StopAt(TrainerCallback):
    """Ends the epoch or the run once a step is reached."""

    def __init__(self, step, flag):
        self.step, self.flag = step, flag

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            setattr(control, self.flag, True)


class ShortOfMemory(RecordingTrainer):
    """Has no room for more than two samples."""

    def training_step(self, model, inputs, *args, **kwargs):
        if len(inputs["labels"]) > 2:
            raise RuntimeError("CUDA out of memory.")
        return super().training_step(model, inputs, *args, **kwargs)


BEST = {
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "load_best_model_at_end": True,
    "metric_for_best_model": "accuracy",
}


def own_loss(outputs, labels, num_items_in_batch=None):
    return F.cross_entropy(outputs["logits"], labels, reduction="sum") / num_items_in_batch
