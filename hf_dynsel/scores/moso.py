"""The score that favours samples whose gradient agrees with that of all the others."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from hf_dynsel.core import Feedback
from hf_dynsel.scores.training_score import State, TrainingScore

CHUNK = 16_384  # rows


def gain_of_others(
    features: Float[np.ndarray, "n d"], error: Float[np.ndarray, "n c"], bias: bool = True
) -> Float[np.ndarray, " n"]:
    """Returns the product of each sample's last-layer gradient with the mean one of the others.

    Args:
        features: what the last layer receives.
        error: gradient of each sample's loss in what the layer returns; for the cross-entropy,
            the predicted probabilities minus the one-hot label.
        bias: whether the layer has one.
    """
    size = len(features)
    if size == 1:
        return np.zeros(1)
    parts = [slice(start, start + CHUNK) for start in range(0, size, CHUNK)]
    weight = sum(error[part].T.astype(np.float64) @ features[part] for part in parts)
    shift = error.sum(axis=0, dtype=np.float64) * bias
    gains = np.empty(size)
    for part in parts:
        own, inputs = error[part].astype(np.float64), features[part].astype(np.float64)
        with_all = np.einsum("nc,cd,nd->n", own, weight, inputs, optimize=True) + own @ shift
        with_itself = (own**2).sum(axis=1) * ((inputs**2).sum(axis=1) + bias)
        gains[part] = (with_all - with_itself) / (size - 1)
    return gains


@final
@dataclass(frozen=True, kw_only=True)
class MoSo(TrainingScore):
    """Estimates by how much the loss on all other samples would rise without a sample.

    At looks spread over the run, the gradient of the sample is multiplied with the mean gradient
    of all others; the mean over the looks, each times its learning rate, is the score. It is
    negative where a sample works against the others, as with a wrong label.

    Cost: a forward pass of the pool and O(N·C·d) per look; during a look, the features and errors
    of the pool are in memory, else one number per sample.

    Args:
        checkpoints: how many looks; in a shorter run, one after each epoch.
        learning_rates: of each look, in their order. None counts all looks alike.

    Reference:
        Tan et al., "Data Pruning via Moving-one-Sample-out", NeurIPS 2023. Departures: gradients
        are of the last linear layer and its bias, as in their older script, and not of the whole
        network; looks are spaced evenly, where they are drawn at random; the number of steps over
        that of samples, T/N, is left out, which changes no order; one run in place of 8
        disjoint parts of the data; high is kept by rank, where the older script draws in
        proportion to class-standardised scores. That script multiplies with the mean of all
        samples, the sample's own gradient included in another way; we take that of the others,
        as in the paper's estimator.
    """

    checkpoints: int = 10
    learning_rates: tuple[float, ...] | None = None
    name: ClassVar[str] = "moso"

    def check(self) -> None:
        """Raises ValueError if there is no look."""
        if self.checkpoints < 1:
            raise ValueError(f"checkpoints must be at least 1 look, got {self.checkpoints}")

    def looks(self, num_epochs: int) -> tuple[int, ...]:
        """Returns epochs spread evenly over the run, the end of it the last.

        Raises:
            ValueError: if there is not one learning rate for each.
        """
        count = min(self.checkpoints, num_epochs)
        epochs = tuple(-(-(place + 1) * num_epochs // count) for place in range(count))
        if self.learning_rates is not None and len(self.learning_rates) != count:
            raise ValueError(
                f"MoSo looks after {', '.join(map(str, epochs))} of {num_epochs} epochs and was "
                f"given {len(self.learning_rates)} learning_rates; give {count}, or None"
            )
        return epochs

    def look_signals(self) -> frozenset[str]:
        """Returns what the last layer's gradient is made of."""
        return frozenset({"features", "error"})

    def allocate(self, size: int) -> State:
        """Returns the sum over looks and their number."""
        return {"total": np.zeros(size), "looks": np.zeros(1, np.int64)}

    def observe(self, state: State, feedback: Feedback) -> None:
        """Adds one look."""
        signals, look = feedback.signals, int(state["looks"][0])
        rate = 1.0 if self.learning_rates is None else self.learning_rates[look]
        state["total"] += rate * gain_of_others(signals["features"], signals["error"])
        state["looks"] += 1

    def finish(self, state: State) -> Float[np.ndarray, " n"]:
        """Returns the mean over the looks."""
        with np.errstate(invalid="ignore"):
            mean: Float[np.ndarray, " n"] = state["total"] / state["looks"]
        return mean
