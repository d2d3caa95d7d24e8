"""Weighted training by hand, as an oracle of every driver of weights."""

from dataclasses import dataclass

import numpy as np
import torch

from conftest import LossDriven, Net, rows
from hf_dynsel import Feedback, Pool, Selection, Selector
from hf_dynsel.selectors import InfoBatch, SelectiveBackprop
from trainer_kit import RecordingTrainer, build

ROWS = 35  # LossDriven trains on 23 of them: 12 and 11, or 4, 4, 4, 4, 4 and 3
PLAIN_SGD = {"lr_scheduler_type": "constant", "max_grad_norm": 0.0}
SPLITS = {"12 x 1": (12, 1), "4 x 3": (4, 3), "1 x 12": (1, 12)}


@dataclass
class Graded(Selector):
    """Weighs 23 samples from a half to two and a half, whatever they lose."""

    def select(self, epoch: int) -> Selection:
        chosen = self.rng(epoch).choice(self.pool.size, 23, replace=False)
        return Selection(chosen, 0.5 + chosen % 5 / 2)


@dataclass
class Hard(Selector):
    """Trains, twice as much, the samples of each batch that lose more than `bar`."""

    bar: float = 1.0
    signals = frozenset({"loss"})

    def select(self, epoch: int) -> Selection:
        return Selection(np.arange(self.pool.size))

    def weigh(self, feedback: Feedback) -> np.ndarray:
        return np.where(feedback.signals["loss"] > self.bar, 2.0, 0.0)


SELECTORS = {
    "graded": Graded,
    "loss_driven": LossDriven,
    "infobatch": InfoBatch,
    "hard": Hard,
    "selective_backprop": SelectiveBackprop,
}


def columns(count=ROWS):
    return {name: torch.tensor(values) for name, values in rows(count).items()}


def losses_of(net, data, ids, smoothing=0.0):
    """Cross-entropy from its definition; a share of the target is spread over all classes."""
    inputs = {name: column[ids] for name, column in data.items()}
    labels = inputs.pop("labels")
    chances = net(**inputs)["logits"].log_softmax(1)
    own = chances.gather(1, labels[:, None])[:, 0]
    return -(1 - smoothing) * own - smoothing * chances.mean(1)


def steps(trainer):
    """The micro-batches of each optimizer step."""
    size = trainer.args.gradient_accumulation_steps
    for epoch in range(trainer.trained[-1][0] + 1):
        own = [ids for at, ids in trainer.trained if at == epoch]
        yield from ((epoch, own[start : start + size]) for start in range(0, len(own), size))


def by_hand(trainer, net, data, selector, smoothing=0.0):
    """Trains `net` as the trainer did, in double precision, by sum(weight x loss) / samples.

    Returns:
        How often each sample was trained.
    """
    net.double()
    data = {n: v.double() if v.is_floating_point() else v for n, v in data.items()}
    size = len(data["labels"])
    selector.setup(Pool(size), 4)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    seen, usage, running = {}, np.zeros(size, int), 0
    for epoch, batches in steps(trainer):
        if epoch > running:
            selector.observe(observed(running, seen))
            seen, running = {}, epoch
        selection = selector.select(epoch)
        given = np.ones(size) if selection.weights is None else np.zeros(size)
        given[selection.indices] = 1 if selection.weights is None else selection.weights
        total = torch.zeros(())
        for ids in batches:
            losses = losses_of(net, data, ids, smoothing)
            found = losses.detach().numpy().astype(np.float32)
            fresh = selector.weigh(Feedback(epoch, np.array(ids), {"loss": found}))
            weights = given[ids] * (1 if fresh is None else fresh)
            total = total + (torch.from_numpy(weights) * losses).sum()
            usage[np.array(ids)[weights > 0]] += 1
            seen |= dict(zip(ids, found, strict=True))
        optimizer.zero_grad()
        (total / sum(map(len, batches))).backward()
        optimizer.step()
    return usage


def observed(epoch, seen):
    ids = np.array(sorted(seen))
    return Feedback(epoch, ids, {"loss": np.array([seen[i] for i in ids], np.float32)})


def trained(folder, name, split, model=None, cls=RecordingTrainer, **changes):
    batch, accumulation = SPLITS[split]
    settings = {
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulation,
        "model": Net() if model is None else model,
    }
    trainer = build(folder, SELECTORS[name](), ROWS, cls, **settings, **PLAIN_SGD, **changes)
    trainer.train()
    return trainer


def assert_same_weights(model, other, **tolerance):
    found, wanted = model.state_dict(), other.state_dict()
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, check_dtype=False, **tolerance)


def way_from_start(trainer):
    """The furthest that a parameter moved."""
    return float((trainer.model.linear.weight - Net().linear.weight).detach().abs().max())


class Ones(LossDriven):
    """Trains on everything, with weights of one."""

    def select(self, epoch: int) -> Selection:
        return Selection(np.arange(self.pool.size), np.ones(self.pool.size))
