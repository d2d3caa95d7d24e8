"""How many samples a run trains on, epoch by epoch, found before anything is scored or trained."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hf_dynsel.core import Selector
from hf_dynsel.made_up import made_up_pool
from hf_dynsel.recipe import Recipe
from hf_dynsel.run_length import plan_length
from hf_dynsel.steps import StepCounter

MOST_HELD_OUT = 0.1  # of the pool, in an epoch that counts as whole


@dataclass(frozen=True)
class Sizes:
    """The length of a run.

    Args:
        epochs: samples of each; None where training decides it.
        steps: optimizer steps, at most; exact where all sizes are known.
        pool: samples there are.
    """

    epochs: tuple[int | None, ...]
    steps: int
    pool: int

    def whole(self, budget: int) -> tuple[int, int]:
        """Returns how many epochs train on the whole pool before others and after them.

        An epoch on nearly all counts as whole, because some methods hold samples out. A run of
        whole epochs alone has none before or after others.

        Args:
            budget: samples of an epoch that selects.
        """
        selects = self.selects(budget)
        if True not in selects:
            return 0, 0
        return selects.index(True), selects[::-1].index(True)

    def selects(self, budget: int) -> list[bool]:
        """Returns of each epoch whether it trains on a part of the pool.

        Args:
            budget: samples of an epoch that selects.
        """
        least = (1 - MOST_HELD_OUT) * self.pool
        return [n is None or n <= budget or n < least for n in self.epochs]


def sizes_of(recipe: Recipe, labels: Int[np.ndarray, " n"]) -> Sizes:
    """Returns the length of a recipe's run in one process.

    Scores do not change it, so made-up ones are used.

    Args:
        recipe: of the run.
        labels: of its training set.

    Raises:
        ValueError: if the length follows from sizes that the selector does not plan.
    """
    selector, args = recipe.build_selector(), recipe.build_arguments()
    counter = StepCounter(
        args.per_device_train_batch_size,
        accumulation=args.gradient_accumulation_steps,
        drop_last=args.dataloader_drop_last,
    )
    length = plan_length(selector, made_up_pool(selector, labels), counter, args)
    planned = tuple(selector.planned_size(epoch) for epoch in range(length.num_epochs))
    return Sizes(planned, length.total(), len(labels))


def weighs(selector: Selector) -> bool:
    """Returns whether a selector leaves samples out within batches."""
    return type(selector).weigh is not Selector.weigh


def decided_in_training(recipe: Recipe, labels: Int[np.ndarray, " n"], epochs: int) -> bool:
    """Returns whether it is known only while training how long so many epochs are.

    Args:
        recipe: of the run.
        labels: of its training set.
        epochs: of the run.
    """
    selector = recipe.build_selector()
    if weighs(selector):
        return True
    selector.setup(made_up_pool(selector, labels), epochs)
    return any(selector.planned_size(epoch) is None for epoch in range(epochs))
