"""The training loss of selected samples: weighted, reported, and a mean over the whole step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from hf_dynsel.distributed import not_padding, total
from hf_dynsel.per_sample import REMEDY, PerSample, SampleLosses, require_rows_of
from hf_dynsel.sampler import SelectionSampler
from hf_dynsel.steps import StepCounter
from hf_dynsel.tasks import IGNORED

LabelsOf = Callable[[Mapping[str, Any]], Any]
Forward = Callable[[dict[str, Any]], tuple[Any, Tensor]]


class Objective:
    """Computes the loss where samples are told apart; every driver calls the same.

    The loss of an optimizer step is the weighted sum over its samples' items, classes or tokens,
    divided by the number of those items in all its micro-batches and processes, so that a step
    is the same however it is split. Samples repeated to fill up the last batch count once.

    Args:
        sampler: gives the weights and gets the signals.
        per_sample: reads losses and signals.
        counter: how a step is split.
    """

    def __init__(
        self, sampler: SelectionSampler, per_sample: PerSample, counter: StepCounter
    ) -> None:
        self.sampler, self.per_sample, self.counter = sampler, per_sample, counter
        self._compared = per_sample.own is not None

    @property
    def needed(self) -> bool:
        """Whether samples must be told apart in this epoch; else the trainer's own loss will do."""
        return bool(self.per_sample.names) or self.sampler.weighted or self.per_sample.soft

    def start_step(self, ids: Sequence[Tensor], labels: Sequence[Any], done: int) -> None:
        """Counts the items of one optimizer step.

        Args:
            ids: of each micro-batch of this process.
            labels: of each, as a tensor or by name.
            done: micro-batches of this process in the epoch before.
        """
        for own, of_batch in zip(ids, labels, strict=True):
            require_rows_of(of_batch, len(own))
        together = self.counter.together
        samples, end = len(self.sampler), done + len(ids)
        self._genuine: list[Tensor | None] = [None] * len(ids)
        last = end == self.counter.batches(samples)
        if last and self.counter.num_processes > 1 and samples % together:
            self._genuine[-1] = not_padding(ids[-1], self.sampler.order[(end - 1) * together :])
        self._items: Any = min(samples, end * together) - done * together
        self._counts: list[Any] = [self._items, sum(len(own) for own in ids)]
        tokens = self._tokens(labels)
        if tokens is not None:
            self._items = total(tokens)
            self._counts = [self._items, tokens]
            if not self._compared:  # GPT-2 shifts, but the base class counts first labels, too
                every = sum(of_batch.ne(IGNORED).sum() for of_batch in labels)
                self._counts += [every, total(every)]

    def _tokens(self, labels: Sequence[Any]) -> Tensor | None:
        """Returns the tokens of this process that are targets; None where samples have one."""
        found = (self.per_sample.items(of_batch) for of_batch in labels)
        counts = [count for count in found if count is not None]
        if len(counts) < len(labels):
            return None
        masked = zip(counts, self._genuine, strict=True)
        parts = [(count if mask is None else count * mask).sum() for count, mask in masked]
        return torch.stack(parts).sum()

    def micro_batch(
        self, model: Any, inputs: dict[str, Any], ids: Tensor, labels_of: LabelsOf, forward: Forward
    ) -> tuple[Tensor, Any]:
        """Returns the loss of one micro-batch, and the model's outputs.

        It is scaled so that those of a step are to be added up.

        Args:
            model: of which evaluation mode is set.
            inputs: of the model; tensors with one row per sample.
            ids: of the samples.
            labels_of: the labels among inputs, as a tensor or by name.
            forward: maps inputs to the model's outputs and own loss, which is compared once. Not
                called where labels are soft: neither models nor trainers have a loss of those.

        Raises:
            ValueError: if the two losses differ: the samples' losses are then not the model's.
        """
        weights = None
        if self.sampler.weighs:
            inputs, weights = self.keep(model, inputs, ids, labels_of(inputs))
        labels = labels_of(inputs)  # now, because label smoothing takes them out
        # Samples without weight leave batch statistics and random numbers alone.
        idle = weights is not None and not weights.any()
        own: Tensor | None = None
        with evaluating(model) if idle else nullcontext():
            if self.per_sample.soft:
                outputs = model(**self.per_sample.for_model(inputs))
            else:
                outputs, own = forward(inputs)
        if weights is None:
            return self.loss(ids, outputs, labels, own), outputs
        return self.loss_of_kept(outputs, labels, weights, own), outputs

    def loss(self, ids: Tensor, outputs: Any, labels: Any, own_loss: Tensor | None) -> Tensor:
        """Returns the loss of a micro-batch that trains whole, and reports its signals."""
        losses = self.per_sample.losses(outputs, labels, len(ids))
        self._compare(losses, own_loss)
        signals = self.per_sample.signals(outputs, labels, losses)
        return self._scaled(losses.total, self._report(ids, signals))

    def keep(
        self, model: Any, inputs: Mapping[str, Any], ids: Tensor, labels: Any
    ) -> tuple[dict[str, Any], Tensor]:
        """Returns the part of a micro-batch that the selector lets train, and its weights.

        The selector sees losses from a forward pass without gradients, in evaluation mode, so
        that neither dropout nor batch statistics take part. Where it lets nothing train, one
        sample stays, with weight zero: processes must all take part in the step. The weights are
        on the host: looking at them there is not waited for.

        Args:
            model: called with `inputs`.
            inputs: of the model; tensors with one row per sample.
            ids: of the samples.
            labels: of the samples.
        """
        with evaluating(model), torch.no_grad():
            outputs = model(**self.per_sample.for_model(inputs))
            losses = self.per_sample.losses(outputs, labels, len(ids))
            signals = self.per_sample.signals(outputs, labels, losses)
        weights = self._report(ids, signals)
        if weights is None:
            return dict(inputs), torch.ones(len(ids))
        rows = torch.nonzero(weights).flatten()
        if len(rows) == 0:
            rows = rows.new_zeros(1)
        elif len(rows) == 1:  # the statistics of a batch take two; the other weighs nothing
            rows = torch.cat([rows, torch.nonzero(weights == 0).flatten()[:1]])
        there = rows.to(ids.device, non_blocking=True)
        kept = {
            name: value[there] if _has_rows(value, len(ids)) else value
            for name, value in inputs.items()
        }
        return kept, weights[rows]

    def loss_of_kept(
        self, outputs: Any, labels: Any, weights: Tensor, own_loss: Tensor | None
    ) -> Tensor:
        """Returns the loss of what `keep` left of a micro-batch."""
        losses = self.per_sample.losses(outputs, labels, len(weights))
        self._compare(losses, own_loss)
        return self._scaled(losses.total, weights.to(losses.total.device, non_blocking=True))

    def _report(self, ids: Tensor, signals: Mapping[str, Tensor]) -> Tensor | None:
        genuine = self._genuine.pop(0)
        if genuine is None:
            return self.sampler.feedback(ids, **signals)
        seen = {name: value[genuine] for name, value in signals.items()}
        device = torch.device("cpu") if self.sampler.weighs else ids.device
        weights = torch.zeros(len(ids), device=device)
        fresh = self.sampler.feedback(ids[genuine], **seen)
        weights[genuine.to(device)] = 1.0 if fresh is None else fresh
        return weights

    def _scaled(self, losses: Tensor, weights: Tensor | None) -> Tensor:
        weighted = losses if weights is None else losses * weights
        # Processes average their gradients, so the sum is over all of them and the mean ours.
        loss: Tensor = weighted.sum() / self._items * self.counter.num_processes
        return loss

    def _compare(self, losses: SampleLosses, own_loss: Tensor | None) -> None:
        """Refuses, at the first batch, a model whose loss is another than its samples' mean."""
        if self._compared or own_loss is None:
            return
        self._compared = True
        own = float(own_loss.detach().mean())
        counts = [losses.items.sum(), *self._counts]
        means = [float(losses.total.detach().sum() / count) for count in counts]
        scales = {1, self.counter.num_processes}
        # Two per cent: a model kept in half precision rounds its own loss as well.
        if not any(abs(own - m * s) <= 1e-3 + 0.02 * abs(own) for m in means for s in scales):
            raise ValueError(
                f"the model's own loss of the first batch is {own:.4g}, but the mean of its "
                f"samples' losses is {means[0]:.4g}: its loss is not the one that the logits and "
                f"labels suggest. {REMEDY}"
            )


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Puts a model into evaluation mode for a block."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def _has_rows(value: Any, samples: int) -> bool:
    return isinstance(value, Tensor) and value.ndim > 0 and len(value) == samples
