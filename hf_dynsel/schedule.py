"""Makes any learning-rate schedule follow epochs of different lengths and end at its end."""

import math
from typing import Any, ClassVar

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    LambdaLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
)
from transformers.optimization import GreedyLR


class PacedScheduler:
    """Advances a schedule made for `num_steps` steps through epochs of any lengths.

    The schedule is built as for training on all the data. Each epoch is given a stretch of it,
    `pace(start, end, steps)`, and every optimizer step moves one share of the stretch, by as many
    schedule steps as that takes. With full-data epochs each step is one step: nothing changes.

    Args:
        schedule: any torch schedule that is stepped without arguments.
    """

    _FIELDS: ClassVar = ("position", "start", "end", "steps", "done")

    def __init__(self, schedule: LRScheduler) -> None:
        self.schedule = schedule
        self.optimizer = schedule.optimizer
        self.position = 0
        self.pace(0, 0, 1)

    def pace(self, start: float, end: float, steps: int, done: int = 0) -> None:
        """Sets the stretch of the coming epoch, in schedule steps.

        Args:
            start: where the epoch begins.
            end: where it ends.
            steps: optimizer steps in the epoch.
            done: how many of them were taken before, for a run that resumes.
        """
        self.start, self.end, self.steps, self.done = start, end, steps, done
        # Behind, where steps were skipped: after an overflow, or as a callback ended an epoch.
        self._advance(math.floor(start + 1e-9))

    def step(self) -> None:
        """Moves to where the schedule should be after one more optimizer step."""
        self.done += 1
        share = min(self.done / self.steps, 1.0)
        # Rounded up, so that the last step of an epoch of any length reaches its end exactly.
        target = math.ceil(self.start + (self.end - self.start) * share - 1e-9)
        self._advance(min(target, round(self.end)))

    def _advance(self, target: int) -> None:
        if target > self.position and isinstance(self.schedule, LambdaLR):
            self.schedule.last_epoch = target - 1  # a closed form: no need to walk there
            self.position = target - 1
        for _ in range(target - self.position):
            self.schedule.step()
        self.position = max(target, self.position)

    def get_last_lr(self) -> list[float]:
        """Returns the current learning rate of each parameter group."""
        return [float(rate) for rate in self.schedule.get_last_lr()]

    def state_dict(self) -> dict[str, Any]:
        """Returns the schedule's state and the position in it."""
        own = {name: getattr(self, name) for name in self._FIELDS}
        return {**own, "schedule": self.schedule.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        for name in self._FIELDS:
            setattr(self, name, state[name])
        self.schedule.load_state_dict(state["schedule"])


def named_schedule(
    name: str, optimizer: Optimizer, num_steps: int, num_epochs: float, **kwargs: Any
) -> LRScheduler:
    """Returns a torch schedule that `TrainingArguments` has no name for.

    Args:
        name: "one_cycle", whose peak is the optimizer's own rate unless `max_lr` says otherwise
            and whose lowest rate comes after the last step; or "multi_step", whose `milestones`
            are in epochs.
        optimizer: whose rate it sets.
        num_steps: length of the schedule.
        num_epochs: epochs in it.
        **kwargs: of the torch class.

    Raises:
        ValueError: if multi_step has no milestones.
    """
    for group in optimizer.param_groups:  # an earlier run leaves its last rate
        group["lr"] = group.get("max_lr", group.get("initial_lr", group["lr"]))
    if name == "one_cycle":
        peak = [group["lr"] for group in optimizer.param_groups]
        # One step more than are taken: torch reaches the end value a step before `total_steps`.
        return OneCycleLR(optimizer, **{"max_lr": peak, "total_steps": num_steps + 1, **kwargs})
    if "milestones" not in kwargs:
        raise ValueError(
            "lr_schedule 'multi_step' needs lr_scheduler_kwargs: {milestones: [60, 120]}, in epochs"
        )
    steps = [round(epoch * num_steps / num_epochs) for epoch in kwargs.pop("milestones")]
    return MultiStepLR(optimizer, milestones=steps, **kwargs)


def paced(schedule: Any) -> Any:
    """Returns a trainer's schedule with a pace; one that metrics step, as it is."""
    fed_by_metrics = (ReduceLROnPlateau, GreedyLR)  # stepped by evaluation, not by the clock
    if isinstance(schedule, (PacedScheduler, *fed_by_metrics)):
        return schedule
    return PacedScheduler(schedule)
