"""How long a run is: its epochs, its optimizer steps, and the stretch of schedule of each epoch."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hf_dynsel.core import Pool, Selector
from hf_dynsel.steps import StepCounter


@dataclass(frozen=True)
class RunLength:
    """The length of a run whose epochs differ in size.

    Args:
        selector: set up for `epochs` epochs, rounded up.
        counter: turns samples into steps.
        epochs: how many; of a fractional last one only that share is trained.
        max_steps: the run ends at this many steps, whatever the epochs. None for no limit.
        lr_follows: "step" gives every step the same stretch of the learning-rate schedule,
            "epoch" gives every epoch the same. With `max_steps` it is always "step".
    """

    selector: Selector
    counter: StepCounter
    epochs: float
    max_steps: int | None = None
    lr_follows: str = "step"

    @property
    def num_epochs(self) -> int:
        """Epochs begun."""
        return math.ceil(self.epochs)

    def updates(self, epoch: int, samples: int) -> int:
        """Optimizer steps of an epoch with so many samples; less in a fractional last epoch."""
        share = min(self.epochs - epoch, 1.0)
        return math.ceil(self.counter.updates(samples) * share - 1e-9)

    def expected(self, first_epoch: int = 0) -> int:
        """Steps from an epoch to the end: exact where sizes are planned, else a bound."""
        size = self.selector.pool.size
        plans = (self.selector.planned_size(e) for e in range(first_epoch, self.num_epochs))
        return sum(
            self.updates(first_epoch + i, size if plan is None else plan)
            for i, plan in enumerate(plans)
        )

    def total(self, epoch: int = 0, done: int = 0, samples: int | None = None) -> int:
        """Steps of the whole run, once `done` were taken before an epoch of `samples`."""
        if self.max_steps:
            return self.max_steps
        if samples is None:
            return done + self.expected(epoch)
        return done + self.updates(epoch, samples) + self.expected(epoch + 1)

    def schedule_steps(self) -> int:
        """Steps the learning-rate schedule is made for."""
        if self._by_step:
            return self.total()
        return math.ceil(self.epochs * self.counter.updates(self.selector.pool.size) - 1e-9)

    def stretch(self, epoch: int, samples: int, position: int) -> tuple[float, float]:
        """Returns where in the schedule an epoch starts and ends.

        Args:
            epoch: the epoch.
            samples: its size.
            position: where the schedule stands before it.
        """
        steps, end = self.updates(epoch, samples), self.schedule_steps()
        if not self._by_step:
            full = self.counter.updates(self.selector.pool.size)
            return epoch * full, min((epoch + 1) * full, end)
        if self.max_steps:
            return position, position + steps  # beyond the end, where the run stops inside
        ahead = steps + self._likely(epoch + 1, samples)
        return position, position + (end - position) * steps / ahead

    @property
    def _by_step(self) -> bool:
        return self.lr_follows == "step" or self.max_steps is not None

    def _likely(self, first_epoch: int, samples: int) -> int:
        # An epoch of unknown size is taken to be as long as the present one.
        plans = {e: self.selector.planned_size(e) for e in range(first_epoch, self.num_epochs)}
        return sum(self.updates(e, samples if p is None else p) for e, p in plans.items())


def plan_length(selector: Selector, pool: Pool, counter: StepCounter, args: Any) -> RunLength:
    """Returns the length of a run, and sets the selector up for it.

    Args:
        selector: the selection method.
        pool: what it chooses from.
        counter: turns samples into steps.
        args: `num_train_epochs`, `max_steps`, `match_compute` and `lr_follows` are read.

    Raises:
        ValueError: if the length follows from sizes that the selector does not plan.
    """
    epochs, limit = args.num_train_epochs, None
    if args.max_steps > 0:
        limit = args.max_steps
        epochs = epochs_for_steps(selector, pool, counter, limit)
    elif args.match_compute:
        epochs = epochs_for_samples(selector, pool, epochs * pool.size)
    selector.setup(pool, math.ceil(epochs))
    return RunLength(selector, counter, epochs, limit, args.lr_follows)


def epochs_for_steps(selector: Selector, pool: Pool, counter: StepCounter, steps: int) -> int:
    """Returns the fewest epochs in which the selector fills so many optimizer steps.

    Raises:
        ValueError: if the selector does not plan its sizes.
    """
    sizes = _planner(selector, pool, f"max_steps={steps}")
    return _smallest(lambda epochs: sum(map(counter.updates, sizes(epochs))) >= steps)


def epochs_for_samples(selector: Selector, pool: Pool, samples: float) -> int:
    """Returns the number of epochs whose samples come closest to a total.

    Raises:
        ValueError: if the selector does not plan its sizes.
    """
    sizes = _planner(selector, pool, "match_compute")
    enough = _smallest(lambda epochs: sum(sizes(epochs)) >= samples)
    over = sum(sizes(enough)) - samples
    short = samples - sum(sizes(enough - 1)) if enough > 1 else math.inf
    return enough if over <= short else enough - 1


def _planner(selector: Selector, pool: Pool, reason: str) -> Callable[[int], list[int]]:
    def sizes(epochs: int) -> list[int]:
        selector.setup(pool, epochs)
        planned = [selector.planned_size(epoch) for epoch in range(epochs)]
        if None in planned:
            raise ValueError(
                f"{reason} needs the sizes of the epochs beforehand, and "
                f"{type(selector).__name__} decides them while training; set num_train_epochs"
            )
        return [size for size in planned if size is not None]

    return sizes


def _smallest(holds: Callable[[int], bool]) -> int:
    high = 1
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
