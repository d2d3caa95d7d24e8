"""Runs a selector without training: what it would choose, and what that would cost and save."""

import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_dynsel.core import Feedback, Pool, Selection, Selector
from hf_dynsel.ledger import Ledger
from hf_dynsel.usage import gini, never_used

Learner = Callable[[int, Int[np.ndarray, " b"]], Mapping[str, Float[np.ndarray, "b ..."]]]


def simulate(
    selector: Selector, pool: Pool, num_epochs: int, learner: Learner | None = None
) -> list[Selection]:
    """Returns what the selector would choose at each epoch.

    Args:
        learner: maps an epoch and sorted rows, trained on or swept, to the signals they would
            give. None gives no signals, which is enough for selectors that ask for none.

    Raises:
        ValueError: if the selector asks for signals that the learner does not give.
    """
    return list(epochs(selector, pool, num_epochs, learner, Ledger()))


def epochs(
    selector: Selector, pool: Pool, num_epochs: int, learner: Learner | None, ledger: Ledger
) -> Iterator[Selection]:
    """Yields the selection of one epoch after another, and holds none of them.

    The epoch's feedback is observed when the next selection is asked for.

    Args:
        ledger: gets the size of each epoch, the sweeps and the seconds of the stage `select`.
    """
    selector.setup(pool, num_epochs)
    for epoch in range(num_epochs):
        _show(selector, epoch, learner, ledger)
        with ledger.timed("select"):
            selection = selector.select(epoch)
        ledger.samples_per_epoch.append(len(selection.indices))
        yield selection
        rows = _rising(selection.indices)
        signals = learner(epoch, rows) if learner else {}
        _check_signals(selector, selector.signals, signals)
        selector.observe(Feedback(epoch, rows, signals))
    _show(selector, num_epochs, learner, ledger)


def _rising(rows: Int[np.ndarray, " k"]) -> Int[np.ndarray, " k"]:
    """Returns rows in rising order, without a copy where they are."""
    return rows if (rows[1:] > rows[:-1]).all() else np.sort(rows)


def _show(selector: Selector, epoch: int, learner: Learner | None, ledger: Ledger) -> None:
    """Gives the selector the look that it wants before an epoch, if it wants one."""
    if (wanted := selector.sweep(epoch)) is None:
        return
    seen = learner(epoch, wanted.indices) if learner else {}
    _check_signals(selector, wanted.signals, seen)
    with ledger.timed("select"):
        selector.observe(Feedback(epoch, wanted.indices, seen, swept=True))
    ledger.note_sweep(len(wanted.indices), selector.diagnostics(epoch))


def _check_signals(
    selector: Selector, wanted: frozenset[str], given: Mapping[str, Float[np.ndarray, "b ..."]]
) -> None:
    if missing := sorted(wanted - given.keys()):
        raise ValueError(
            f"{type(selector).__name__} learns from the signals {missing}, which training would "
            "give and this simulation does not; pass a learner that returns them"
        )


@dataclass(frozen=True)
class Choice:
    """Which samples a run would choose, and what choosing takes.

    Args:
        never_used: share of the pool that no epoch trains on.
        gini: Gini index of the number of epochs that use each sample.
        most_used: largest number of epochs that use one sample.
        overlap: share of an epoch that was in the epoch before, on average. None for one epoch.
        seconds_select: wall time of all selections, on this machine.
        peak_bytes: most memory that one selection, in the middle of the run, took for a while.
    """

    never_used: float
    gini: float
    most_used: int
    overlap: float | None
    seconds_select: float
    peak_bytes: int


@dataclass(frozen=True)
class Plan:
    """What a run will cost and save, found before any training.

    Args:
        samples_per_epoch: samples trained on, by epoch.
        optimizer_steps: over all epochs; the last batch of an epoch may be short.
        samples_full: what training on everything would take.
        samples_swept: forward passes of samples that the selector looks at before epochs, at most.
        state_bytes: memory of the selector's state before training.
        choice: None where it depends on what the selector sees in training.
    """

    samples_per_epoch: tuple[int, ...]
    optimizer_steps: int
    samples_full: int
    samples_swept: int
    state_bytes: int
    choice: Choice | None

    @property
    def samples_trained(self) -> int:
        """Samples trained on, over all epochs."""
        return sum(self.samples_per_epoch)

    @property
    def saving(self) -> float:
        """How many times fewer samples are trained on than with the whole pool."""
        return self.samples_full / self.samples_trained


def plan(
    selector: Selector,
    pool: Pool,
    num_epochs: int,
    batch_size: int,
    learner: Learner | None = None,
) -> Plan:
    """Returns the cost of a run, from one pass over its epochs in memory for two of them.

    Args:
        batch_size: samples per optimizer step, over all processes and accumulation.
        learner: as for `simulate`. Without one, the samples of a selector that looks at features
            are not chosen, only counted.

    Raises:
        ValueError: if the batch size is not positive, or as for `simulate`.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    ledger = Ledger()
    selector.setup(pool, num_epochs)
    looks = any(selector.sweep(epoch) is not None for epoch in range(num_epochs))
    if learner is None and looks:
        choice = None
        _count(selector, num_epochs, ledger)
    else:
        choice = _choose(selector, pool, num_epochs, learner, ledger)
    return Plan(
        samples_per_epoch=tuple(ledger.samples_per_epoch),
        optimizer_steps=sum(-(-size // batch_size) for size in ledger.samples_per_epoch),
        samples_full=pool.size * num_epochs,
        samples_swept=ledger.samples_swept,
        state_bytes=sum(array.nbytes for array in selector.state_dict().values()),
        choice=choice,
    )


def _count(selector: Selector, num_epochs: int, ledger: Ledger) -> None:
    """Counts the samples of each epoch and each look."""
    _check_signals(selector, selector.signals, {})
    for epoch in range(num_epochs):
        if (wanted := selector.sweep(epoch)) is not None:
            ledger.note_sweep(len(wanted.indices), {})
        size = selector.planned_size(epoch)
        assert size is not None, "a selector that sweeps plans its sizes"
        ledger.samples_per_epoch.append(size)


def _choose(
    selector: Selector, pool: Pool, num_epochs: int, learner: Learner | None, ledger: Ledger
) -> Choice:
    usage, peak = _Usage.of(pool.size, num_epochs), 0
    for epoch, selection in enumerate(epochs(selector, pool, num_epochs, learner, ledger)):
        usage.add(selection.indices)
        if epoch == (num_epochs - 1) // 2:
            peak = _peak_bytes(selector, epoch)
    return Choice(
        never_used=never_used(usage.counts),
        gini=gini(usage.counts),
        most_used=int(usage.counts.max()),
        overlap=float(np.mean(usage.overlaps)) if usage.overlaps else None,
        seconds_select=ledger.seconds["select"],
        peak_bytes=peak,
    )


@dataclass
class _Usage:
    counts: Int[np.ndarray, " n"]
    previous: Bool[np.ndarray, " n"]
    overlaps: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, size: int, num_epochs: int) -> "_Usage":
        return cls(np.zeros(size, np.min_scalar_type(-num_epochs)), np.zeros(size, bool))

    def add(self, indices: Int[np.ndarray, " k"]) -> None:
        if self.counts.any():
            self.overlaps.append(float(self.previous[indices].mean()))
            self.previous[:] = False
        self.counts[indices] += 1
        self.previous[indices] = True


def _peak_bytes(selector: Selector, epoch: int) -> int:
    """Measures a selection apart from the timed one, which tracing would slow down."""
    traced_outside = tracemalloc.is_tracing()
    if not traced_outside:
        tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    selector.select(epoch)
    _, peak = tracemalloc.get_traced_memory()
    if not traced_outside:
        tracemalloc.stop()
    return peak - before
