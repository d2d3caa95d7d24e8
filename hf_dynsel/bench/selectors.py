"""Measures what each selector and score costs: seconds and memory by the number of samples."""

import multiprocessing
import time
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from hf_dynsel import scores, selectors
from hf_dynsel.bench.load import load_average
from hf_dynsel.core import Feedback, Pool, Selector
from hf_dynsel.environment import environment
from hf_dynsel.scores import Score
from hf_dynsel.section_checks import exported

CLASSES, UNITS, CODE_LENGTH, KEEP, EPOCHS = 10, 4096, 32, 0.3, 4


def bench_selectors(
    sizes: Sequence[int], *, width: int = 512, limit_s: float = 300, only: Sequence[str] = ()
) -> dict[str, Any]:
    """Returns seconds and memory of every selector and of every score of columns.

    They are measured in another process, on clustered features; Linux tells its memory. What takes
    longer than the limit, the making of its data included, is stopped, and so is what the system
    stops for its memory. Its numbers are extrapolated from the two sizes before with the growth
    between them, or, with one size before, as if seconds grew with the square of the size; where
    that is over twice the limit, it is not tried. Memory is not extrapolated: many methods work in
    blocks of one size.

    Args:
        sizes: numbers of samples, rising.
        width: of the features.
        limit_s: seconds that one measurement may take.
        only: names; all by default.

    Raises:
        RuntimeError: if a method fails; with its name and its traceback.
    """
    kinds = [*exported(selectors, Selector), *exported(scores, Score)]
    wanted = [name for name in kinds if not only or name in only]
    load = load_average()
    with _Worker(limit_s) as worker:
        rows = {n: list(_measured(n, sizes, width, worker)) for n in tqdm(wanted, "methods")}
    return {
        "width": width,
        "keep": KEEP,
        "classes": CLASSES,
        "limit, s": limit_s,
        "load average before": load,
        "costs": rows,
        "environment": environment(),
    }


def _measured(
    name: str, sizes: Sequence[int], width: int, worker: "_Worker"
) -> Iterator[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for size in sizes:
        expected = extrapolated(found, size)
        hopeless = len(found) > 1 and (expected["first, s"] or 0) > 2 * worker.limit_s
        over = bool(found) and found[-1]["extrapolated"]
        answer = None if over or hopeless else worker.ask(name, size, width)
        found.append(answer or expected)
        yield found[-1]


def extrapolated(found: Sequence[dict[str, Any]], size: int) -> dict[str, Any]:
    """Returns what a method would cost, by what it did cost at smaller sizes."""
    found = [row for row in found if row.get("first, s") is not None]  # none of a refused size
    if not found:
        return {"rows": size, "first, s": None, "extrapolated": True}
    grown: dict[str, Any] = {"rows": size, "extrapolated": True}
    factor = size / found[-1]["rows"]
    for key in ("first, s", "epoch, s"):
        values = [max(row[key], 1e-6) for row in found[-2:] if row.get(key) is not None]
        if not values:
            continue
        power = 2.0
        if len(values) == 2:
            between = np.log(found[-1]["rows"] / found[-2]["rows"])
            power = float(np.log(values[1] / values[0]) / between)
        grown[key] = values[-1] * factor**power
    return grown


class _Worker:
    """A process that measures, and another one in its place where it takes too long."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s

    def __enter__(self) -> "_Worker":
        context = multiprocessing.get_context("spawn")  # a fork would have this process's memory
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_answer, args=(other,), daemon=True)
        self._process.start()
        other.close()
        self._pipe.recv()  # it is ready, and no limit has to pay for its imports
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def ask(self, name: str, size: int, width: int) -> dict[str, Any] | None:
        """Returns a row; None if it took longer than the limit or the system killed it.

        Raises:
            RuntimeError: if the method fails.
        """
        self._pipe.send((name, size, width))
        found: dict[str, Any] | str | None = None
        try:
            if self._pipe.poll(self.limit_s):
                found = self._pipe.recv()
        except EOFError:  # the system killed it
            pass
        if isinstance(found, str):
            raise RuntimeError(f"{name} failed on {size} rows of {width} features:\n{found}")
        if found is None:
            self.__exit__()
            self.__enter__()
        return found


def _answer(pipe: Connection) -> None:
    """Sends a row for each request, or the traceback of what failed."""
    measure("Density", 64, 16)
    pipe.send("ready")
    while True:
        name, size, width = pipe.recv()
        try:
            measure(name, 64, 16)  # a first call pays for imports
            answer: dict[str, Any] | str = _measured_or_refused(name, size, width)
        except Exception:
            answer = traceback.format_exc()
        pipe.send(answer)


def _measured_or_refused(name: str, size: int, width: int) -> dict[str, Any]:
    """Returns the row of one measurement; methods refuse with ValueError, by the byte count."""
    try:
        return measure(name, size, width)
    except (MemoryError, ValueError) as refusal:
        return {"rows": size, "refused": str(refusal) or "out of memory", "extrapolated": False}


def measure(name: str, size: int, width: int) -> dict[str, Any]:
    """Returns the seconds of the first selection and of a later epoch, and the memory beside data.

    Args:
        name: of a selector or a score.
        size: number of samples.
        width: of the features.
    """
    kind = (exported(selectors, Selector) | exported(scores, Score))[name]
    if issubclass(kind, Score):
        return _measure_score(kind(), size, width)
    settings = {"keep": KEEP} if "keep" in kind.__dataclass_fields__ else {}
    return _measure_selector(kind(**settings), size, width)


def _measure_score(score: Score, size: int, width: int) -> dict[str, Any]:
    columns = _columns(set(score.columns), size, width)
    labels, before, start = np.arange(size) % CLASSES, _forget_peak(), time.perf_counter()
    score.values(columns, labels)
    return _row(size, before, time.perf_counter() - start, 0.0)


def _measure_selector(selector: Selector, size: int, width: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    used = [value for value in selector.config().values() if isinstance(value, str)]
    named = {name: rng.random(size, np.float32) for name in used}
    columns = _columns(set(selector.reads()), size, width)
    pool = Pool(size, named, np.arange(size) % CLASSES, columns)
    seen = {name: rng.random(size, np.float32) for name in selector.signals}
    features = _clustered(size, width) if type(selector).sweep is not Selector.sweep else None
    seconds, before = [], _forget_peak()
    start = time.perf_counter()
    selector.setup(pool, EPOCHS)
    for epoch in range(EPOCHS - 1):
        if features is not None and (look := selector.sweep(epoch)) is not None:
            shown = {"features": features[look.indices]}
            selector.observe(Feedback(epoch, look.indices, shown, swept=True))
        rows = np.sort(selector.select(epoch).indices)
        selector.observe(Feedback(epoch, rows, {name: seen[name][rows] for name in seen}))
        seconds.append(time.perf_counter() - start)
        start = time.perf_counter()
    state = sum(array.nbytes for array in selector.state_dict().values())
    return _row(size, before, max(seconds), seconds[-1]) | {"state, bytes per row": state / size}


def _row(size: int, before: float, first: float, later: float) -> dict[str, Any]:
    return {
        "rows": size,
        "first, s": first,
        "epoch, s": later,
        "memory, MiB": _memory("VmHWM") - before,
        "extrapolated": False,
    }


def _columns(names: set[str], size: int, width: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    made: dict[str, np.ndarray] = {}
    for name in sorted(names):
        if name == "sae_indices":
            made[name] = rng.integers(0, UNITS, (size, CODE_LENGTH), np.int32)
        elif name == "sae_values":
            made[name] = rng.random((size, CODE_LENGTH), np.float32)
        elif name == "proxy_error":
            made[name] = rng.normal(size=(size, CLASSES)).astype(np.float32) * 0.1
        elif name == "features_cosine":
            made[name] = rng.random(size, np.float32)
        else:
            made[name] = _clustered(size, width)
    return made


def _clustered(size: int, width: int) -> np.ndarray:
    """Returns vectors around one centre per class, as an encoder gives them."""
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(CLASSES, width)).astype(np.float32)
    rows = rng.standard_normal((size, width), np.float32)
    rows += centres[np.arange(size) % CLASSES]
    return rows


def _memory(what: str) -> float:
    """Returns a line of the kernel's account of this process, in MiB: VmRSS is now, VmHWM most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def _forget_peak() -> float:
    """Makes the most memory so far what it is now, and returns it."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")
