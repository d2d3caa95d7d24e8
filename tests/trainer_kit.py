"""Builds trainers that record what they train on, for the driver tests."""

from pathlib import Path
from typing import Any

from torch.utils.data import Sampler
from transformers import Trainer

from conftest import Net, table
from hf_dynsel import DynamicSelectionArguments, DynamicSelectionTrainer, Selector
from hf_dynsel.indexed import INDEX


def arguments(folder: Path, **changes: Any) -> DynamicSelectionArguments:
    defaults = {
        "num_train_epochs": 4,
        "per_device_train_batch_size": 4,
        "learning_rate": 0.1,
        "optim": "sgd",
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "no",
        "use_cpu": True,
        "logging_steps": 1,
    }
    return DynamicSelectionArguments(output_dir=str(folder), **(defaults | changes))


class Recording:
    """Notes the ids of every batch and the learning rate it was trained with."""

    trained: list[tuple[int, list[int]]]
    rates: list[float]

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self.trained.append((self.sampler.epoch, inputs[INDEX].tolist()))
        loss = super().training_step(model, inputs, *args, **kwargs)
        self.rates.append(self.optimizer.param_groups[0]["lr"])
        return loss

    def epochs(self) -> list[list[int]]:
        ids: list[list[int]] = [[] for _ in range(self.trained[-1][0] + 1)]
        for epoch, batch in self.trained:
            ids[epoch] += batch
        return ids


class RecordingTrainer(Recording, DynamicSelectionTrainer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.trained, self.rates = [], []
        super().__init__(*args, **kwargs)


def build(
    folder: Path, selector: Selector, rows: int = 24, cls: Any = RecordingTrainer, **changes: Any
) -> Any:
    known = ("callbacks", "eval_dataset", "clean_dataset", "compute_loss_func")
    given = {name: changes.pop(name) for name in known if name in changes}
    dataset = changes.pop("train_dataset", None) or table(rows)
    model = changes.pop("model", None) or Net()
    return cls(
        model=model,
        args=arguments(folder, **changes),
        train_dataset=dataset,
        selector=selector,
        **given,
    )


class FixedOrder(Sampler[int]):
    """Yields the orders given, one per epoch."""

    def __init__(self, orders: list[list[int]]) -> None:
        self.orders, self.epoch = orders, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Any:
        return iter(self.orders[self.epoch])

    def __len__(self) -> int:
        return len(self.orders[0])


class PlainTrainer(Trainer):
    """The Hugging Face trainer, given the order of the samples."""

    def __init__(self, *args: Any, orders: list[list[int]], **kwargs: Any) -> None:
        self.orders = orders
        super().__init__(*args, **kwargs)

    def _get_train_sampler(self, train_dataset: Any = None) -> FixedOrder:
        return FixedOrder(self.orders)
