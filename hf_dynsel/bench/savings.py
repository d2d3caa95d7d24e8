"""Training on 30 % of the data per epoch against all of it, by the clock on the wall."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import mean
from types import MappingProxyType

from datasets import Dataset, DatasetDict

from hf_dynsel import data
from hf_dynsel.bench.course import Clock, Courses
from hf_dynsel.bench.images import in_memory
from hf_dynsel.bench.selecting import ARCHITECTURE, BATCH_SIZE, Task, select_and_train
from hf_dynsel.bench.target import Target
from hf_dynsel.core import Selector
from hf_dynsel.data import ImageTransform, stratified_subset
from hf_dynsel.selectors import FullData, RandomWithoutReplacement, RepDiv

KEEP = 0.3
WHOLE = FullData.__name__
METHODS: Mapping[str, Callable[[int], Selector]] = MappingProxyType(
    {
        WHOLE: lambda seed: FullData(seed=seed),
        "RS2": lambda seed: RandomWithoutReplacement(keep=KEEP, seed=seed),
        "RepDiv": lambda seed: RepDiv(keep=KEEP, seed=seed),  # its last epochs are whole
    }
)
Seconds = Mapping[str, float]  # by stage


def bench_savings(full: bool) -> Iterator[Target]:
    """Yields how many times sooner than full data methods reach its accuracy, overhead included.

    It is the accuracy that full data ends with, less its spread over seeds; both are timed until
    they first reach it. Zero says that a method never does.
    """
    # Of 20 epochs RepDiv's last 3 are whole, so that it trains on 2.5 times fewer samples.
    task = _task(data.idx(), 2000, 20) if full else _task(data.digits(), 100, 2)
    select_and_train(replace(task, epochs=1), FullData())  # a first run pays for imports
    clocks: dict[str, list[Clock]] = defaultdict(list)
    stages: dict[str, list[Seconds]] = defaultdict(list)
    names = list(METHODS)
    for seed in range(3 if full else 1):
        for name in names[seed:] + names[:seed]:
            clock, seconds = select_and_train(task, METHODS[name](seed))
            clocks[name].append(clock)
            stages[name].append(seconds)
    for name in names[1:]:
        own, whole = Courses.of(clocks[name]), Courses.of(clocks[WHOLE])
        yield _compared(name, task, own, whole, stages[name])


def _task(splits: DatasetDict, size: int, epochs: int) -> Task:
    rows, test = (stratified_subset(splits[name], size) for name in ("train", "test"))
    return Task(rows, _tensors(rows), _tensors(test), epochs)


def _tensors(rows: Dataset) -> Dataset:
    batch = ImageTransform(channels=1)(rows[:])
    return in_memory(batch["pixel_values"], batch["labels"])


def _compared(
    name: str, task: Task, own: Courses, whole: Courses, stages: Sequence[Seconds]
) -> Target:
    mark = whole.mark
    ours, theirs = own.seconds_to(mark), whole.seconds_to(mark)
    assert theirs is not None, "full data ends above its own mark"
    spent = {f"{stage}, s": mean(each[stage] for each in stages) for stage in stages[0]}
    return Target(
        f"times sooner at the accuracy of full data, {name} at {KEEP:.0%} (0: never)",
        0.0 if ours is None else theirs / ours,
        2.4,
        at_least=True,
        details={
            "network": ARCHITECTURE,
            "rows": len(task.rows),
            "epochs": task.epochs,
            "batch size": BATCH_SIZE,
            "seeds": len(stages),
            "accuracy to reach": mark,
            "ours until then, s": ours,
            "full data until then, s": theirs,
            "ours at the end, s": own.end,
            "full data at the end, s": whole.end,
            "accuracy of ours": own.accuracy[:, -1].tolist(),
            "accuracy of full data": whole.accuracy[:, -1].tolist(),
            **spent,
        },
    )
