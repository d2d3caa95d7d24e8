"""What `distributed_run.py` trains: every selector, every way of loading, and what is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

import hf_dynsel.selectors as selectors
from conftest import LossDriven, Net, Sized, table
from hf_dynsel import Selection, Selector
from hf_dynsel.selectors.static_subset import StaticSubset
from numbered_rows import IdIsLoss, NumberedRows, only_logit

GLOBAL_BATCH = 8  # samples per optimizer step, whatever the number of processes
EPOCHS = 3
PROCESSES = (1, 2, 4)

# Half of 32 rows fills whole batches, half of 27 does not. A new selector adds its line.
HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "ClipPowered": {"keep": 0.5},
    "CoverageCentric": {"keep": 0.5},
    "D2Pruning": {"keep": 0.5, "neighbors": 3},
    "DatasetPruning": {"keep": 0.5},
    "DensityConsistency": {"neighbors": 3, "augment": False, "refresh": "seen"},
    "DynamicRandom": {"keep": 0.5, "warmup_epochs": 1, "refine": 0.3},
    "EpsilonGreedy": {"keep": 0.5},
    "FullData": {},
    "Herding": {"keep": 0.5},
    "InfoMax": {"keep": 0.5, "neighbors": 3},
    "KCenter": {"keep": 0.5},
    "Moderate": {"keep": 0.5},
    "Prototypes": {"keep": 0.5},
    "RCAP": {"keep": 0.5},
    "SAEGreedy": {"keep": 0.5},
    "SAESimScale": {"keep": 0.5},
    "SeTa": {"keep": 0.5, "groups": 4},
    "InfoBatch": {"prune": 0.5, "delta": 1.0},
    "RandomWithoutReplacement": {"keep": 0.5},
    "RepDiv": {"keep": 0.5, "refine": 0.3},
    "RepDivConsistency": {"keep": 0.5, "refine": 0.3, "neighbors": 3, "augment": 0.0},
    "SelectiveBackprop": {"beta": 1.0},
    "StaticRandom": {"keep": 0.5},
    "TopScore": {"keep": 0.5, "score": "el2n"},
    "UCB": {"keep": 0.5, "every": 2},
}
# Every score column that some selector reads by default; a new selector adds its own.
SCORES = (
    "aum",
    "center_distance",
    "class_spread",
    "consistency",
    "diversity",
    "el2n",
    "prototype_distance",
    "representativeness",
)
VECTORS = {"features": 4, "proxy_error": 2, "proxy_features": 4, "sae_values": 3}


def every_selector() -> dict[str, Callable[[], Selector]]:
    """Returns how to build each exported selector, and two of the tests' own."""
    if missing := set(selectors.__all__) - HYPERPARAMETERS.keys():
        raise ValueError(f"add hyperparameters for {sorted(missing)} to {__file__}")
    exported = {
        name: partial(getattr(selectors, name), **HYPERPARAMETERS[name])
        for name in selectors.__all__
    }
    return {
        **exported,
        "LossDriven": LossDriven,
        "Guarded density": partial(
            selectors.DensityConsistency, neighbors=3, guard=0.2, augment=False
        ),
        "Learned density": partial(
            selectors.DensityConsistency,
            keep=0.5,
            neighbors=3,
            fusion="learned",
            rule="sample",
            quota="equal",
            augment=False,
            warmup_epochs=0,  # a warm-up leaves out what is held out, and so fills no whole batches
        ),
        "Growing": partial(Sized, sizes=(5, 13, 24)),
        "Unplanned": partial(Sized, sizes=(24, 1, 16), planned=False),
    }


def scored(rows: int) -> Any:
    """Returns a small table with every column that a selector reads by default."""
    rng, dataset = np.random.default_rng(7), table(rows)
    for name in SCORES:
        dataset = dataset.add_column(f"score_{name}", rng.random(rows, dtype=np.float32))
    for name, width in VECTORS.items():
        dataset = dataset.add_column(name, list(rng.random((rows, width), dtype=np.float32)))
    return dataset.add_column("sae_indices", list(rng.integers(0, 9, (rows, 3))))


@dataclass(frozen=True)
class Case:
    """One training; `global_batch` samples come at a time, split over the processes."""

    name: str
    selector: Callable[[], Selector]
    dataset: Callable[[], Any]
    model: Callable[[], nn.Module] = Net
    per_sample_loss: Callable[[Any, Tensor], Tensor] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    processes: tuple[int, ...] = PROCESSES

    @property
    def together(self) -> int:
        """Samples that all processes take at a time."""
        return GLOBAL_BATCH // self.settings.get("gradient_accumulation_steps", 1)

    def batch_size(self, processes: int) -> int:
        whole = self.settings.get("accelerator_config", {}).get("split_batches", False)
        return self.together if whole else self.together // processes


def selecting() -> list[Case]:
    """Every selector, with sizes that do and do not fill whole batches.

    What a selector sees in a look follows from the weights, and they are the same for any number
    of processes only where all batches are full: in short ones Trainer's own loss differs.
    """
    return [
        Case(
            f"{name}-{rows}x{accumulation}",
            selector,
            partial(scored, rows),
            settings={"gradient_accumulation_steps": accumulation},
        )
        for name, selector in every_selector().items()
        for rows, accumulation in ((32, 1), (27, 1), (27, 2))
        if (rows, accumulation) == (32, 1) or not (looks(selector()) or chooses_once(selector()))
    ]


def chooses_once(selector: Selector) -> bool:
    """Whether a method is one of many that all train alike; one of them stands for the others."""
    return isinstance(selector, StaticSubset) and not isinstance(selector, selectors.TopScore)


def looks(selector: Selector) -> bool:
    return type(selector).sweep is not Selector.sweep


DISPATCH = {"accelerator_config": {"dispatch_batches": True}}
SPLIT = {"accelerator_config": {"split_batches": True}}
BOTH = {"accelerator_config": {"dispatch_batches": True, "split_batches": True}}
DROP = {"dataloader_drop_last": True}
TWICE = {"gradient_accumulation_steps": 2}
BF16 = {"bf16": True}


def workers(context: str, prefetch: int, persistent: bool) -> dict[str, Any]:
    return {
        "dataloader_num_workers": 2,
        "dataloader_multiprocessing_context": context,
        "dataloader_prefetch_factor": prefetch,
        "dataloader_persistent_workers": persistent,
        "num_train_epochs": 2,
    }


# Any two choices of context, prefetch, persistence, accumulation, precision and dispatch meet in
# a case with workers, which run on two processes; but spawned ones, slow to start, all persist.
LOADERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulation-bf16": TWICE | BF16,
    "drop_last": DROP,
    "dispatch": DISPATCH,
    "dispatch-accumulation": DISPATCH | TWICE,
    "dispatch-drop_last": DISPATCH | DROP,
    "split": SPLIT,
    "split-accumulation": SPLIT | TWICE,
    "split-drop_last": SPLIT | DROP,
    "dispatch-split": BOTH,
    "fork-prefetch-dispatch-accumulation": workers("fork", 4, False) | DISPATCH | TWICE,
    "fork-accumulation-bf16": workers("fork", 2, False) | TWICE | BF16,
    "fork-prefetch-persistent": workers("fork", 4, True),
    "fork-dispatch-bf16": workers("fork", 2, False) | DISPATCH | BF16,
    "spawn-persistent": workers("spawn", 2, True),
    "spawn-prefetch-dispatch-accumulation-bf16": (
        workers("spawn", 4, True) | DISPATCH | TWICE | BF16
    ),
}


def loading() -> list[Case]:
    """Every way to load, with the id of each sample as its loss."""
    return [
        Case(
            name,
            LossDriven,
            partial(NumberedRows, 27),
            IdIsLoss,
            only_logit,
            {"learning_rate": 0.0} | settings,
            (2,) if "dataloader_num_workers" in settings else PROCESSES,
        )
        for name, settings in LOADERS.items()
    ]


ENDED, INSIDE = 3, 4  # steps, three to an epoch: at the end of one, and inside the next
RESUMED = {"shared": {}, "dispatch": DISPATCH, "split": SPLIT, "dispatch-split": BOTH}


def interrupted(way: str = "shared") -> Case:
    """A run of three steps per epoch with a checkpoint after each, to be loaded in some way."""
    steps = {"save_strategy": "steps", "save_steps": 1, "optim": "adamw_torch"}
    return Case(way, LossDriven, partial(scored, 32), settings=steps | RESUMED[way])


@dataclass
class Drifting(Selector):
    """Selects what process 0 does, until an epoch from which on it does not."""

    process: int = 0
    since: int = 0
    only_weights: bool = False

    def select(self, epoch: int) -> Selection:
        own = self.process if epoch >= self.since else 0
        shift = 0 if self.only_weights else own
        return Selection(np.arange(8) + shift, np.full(8, 1.0 + own))

    def planned_size(self, epoch: int) -> int:
        return 8


def refused(process: int) -> list[Case]:
    """What must stop on every process; these selectors are told which one they are in."""
    evened = {"accelerator_config": {"even_batches": False}}
    several = PROCESSES[1:]
    data = partial(scored, 32)
    return [
        Case("other seed", partial(selectors.DynamicRandom, process, 0.5), data, processes=several),
        Case("other rows later", partial(Drifting, 0, process, 2), data, processes=several),
        Case("other weights", partial(Drifting, 0, process, 0, True), data, processes=several),
        Case("uneven batches", LossDriven, data, settings=evened, processes=several),
    ]
