"""One selection of an epoch at the size of ImageNet and beyond, against one partition."""

import tempfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from hf_dynsel.bench.target import Pair, Target, paired, seconds
from hf_dynsel.core import Feedback, Pool
from hf_dynsel.selectors import RepDiv
from hf_dynsel.simulate import plan

IMAGENET, CLASSES, KEEP, TURNS = 1_281_167, 1000, 0.3, 15
MANY, FEW = 100_000_000, 3  # rows of the large pool, and turns on it
BILLION, EPOCHS = 1_000_000_000, 4  # of a simulated run


def bench_selection(full: bool) -> Iterator[Target]:
    """Yields the cost of `RepDiv.select`, with rows in any order, grouped by class, and many.

    The large pool lies in an Arrow file that is mapped into memory, grouped by class.
    """
    small, many = (IMAGENET, MANY) if full else (20_000, 100_000)
    rng = np.random.default_rng(0)
    grouped = np.arange(small) * CLASSES // small
    for order, labels in (("mixed", rng.permutation(grouped)), ("grouped", grouped)):
        scores = {name: rng.random(small, dtype=np.float32) for name in _scores()}
        found, _ = _measured(Pool(small, scores, labels), TURNS)
        yield Target(
            f"RepDiv.select by one argpartition, {small:,} rows, {CLASSES:,} classes, {order}",
            found.ratio,
            1.0,
            details=_details(found),
        )
    with tempfile.TemporaryDirectory() as folder:
        pool = _mapped_pool(Path(folder) / "pool.arrow", many)
        large, extra = _measured(pool, FEW)
        simulated = _simulated(pool)
    growth = (large.ours / many) / (found.ours / small)
    yield Target(
        f"RepDiv.select per row, {many:,} rows in a mapped file by {small:,}",
        growth,
        1.3,
        details=_details(large),
    )
    yield Target(f"bytes per row beside the columns, {many:,} rows", extra / many, 16)
    grown = (simulated.seconds / many) / (_simulated(Pool(small, scores, grouped)).seconds / small)
    times = BILLION / many
    yield Target(
        f"simulate per row, {many:,} rows in a mapped file by {small:,}",
        grown,
        1.3,
        details={
            "epochs": EPOCHS,
            "s": simulated.seconds,
            "bytes per row": simulated.most / many,
            "a billion rows, extrapolated, s": simulated.seconds * times,
            "a billion rows, extrapolated, GB": simulated.most * times / 1e9,
        },
    )


@dataclass(frozen=True)
class Simulated:
    """What planning a run took: seconds, and the most bytes at a time beside the columns."""

    seconds: float
    most: int


def _simulated(pool: Pool) -> Simulated:
    tracemalloc.start()
    spent = seconds(lambda: plan(RepDiv(keep=KEEP), pool, EPOCHS, batch_size=1024))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Simulated(spent, most)


def _scores() -> tuple[str, str]:
    return RepDiv.representativeness or "", RepDiv.diversity or ""


def _measured(pool: Pool, turns: int) -> tuple[Pair, int]:
    """Returns the seconds of a selection and of a partition, and the most bytes it all took."""
    tracemalloc.start()
    selector = RepDiv(keep=KEEP)
    selector.setup(pool, 200)
    selector.observe(Feedback(0, selector.select(0).indices, {}))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    values = np.random.default_rng(1).random(pool.size, dtype=np.float32)
    rank = pool.size - selector.budget(KEEP)
    found = paired(lambda: selector.select(1), lambda: np.argpartition(values, rank), turns)
    return found, most


def _mapped_pool(file: Path, rows: int) -> Pool:
    """Returns a pool whose columns are read from an Arrow file as they are used."""
    names = _scores()
    schema = pa.schema([(name, pa.float32()) for name in names] + [("label", pa.int16())])
    rng = np.random.default_rng(2)
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        columns: list[Float[np.ndarray, " n"] | Int[np.ndarray, " n"]]
        columns = [rng.random(rows, dtype=np.float32) for _ in names]
        columns.append((np.arange(rows) * CLASSES // rows).astype(np.int16))
        writer.write_batch(pa.record_batch(columns, schema=schema))
    table = pa.ipc.open_file(pa.memory_map(str(file))).read_all()
    found = {name: table[name].chunk(0).to_numpy() for name in schema.names}
    return Pool(rows, {name: found[name] for name in names}, found["label"])


def _details(found: Pair) -> dict[str, float]:
    return {"select, ms": 1e3 * found.ours, "argpartition, ms": 1e3 * found.theirs}
