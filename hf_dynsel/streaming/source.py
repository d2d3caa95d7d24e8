"""The rows of a stream in an order that is the same in every pass, cut into parts and chunks."""

from collections.abc import Iterator
from typing import Any

from datasets import Dataset, Features, IterableDataset

# What yields the rows of its sources one after the other, so that parts are read alone. A filter
# or a map may count rows, and `skip` and `take` would be dealt out over the parts.
IN_ORDER = {"ArrowExamplesIterable", "ExamplesIterable", "RebatchedArrowExamplesIterable"}


def parts_of(stream: IterableDataset) -> list[IterableDataset]:
    """Returns stretches of a stream that follow each other; files stay as they are stored.

    They are its sources, such as its files, where these alone are read one after the other;
    after `map`, `filter`, `skip`, `take` or `shuffle` there is one part.

    Raises:
        TypeError: if it is no stream.
        ValueError: if the types of its columns are not known.
    """
    if not isinstance(stream, IterableDataset):
        raise TypeError(
            f"a stream is one split of a datasets.IterableDataset, got {type(stream).__name__}; "
            "load it with streaming=True, or use add_scores and a selector for a map-style one"
        )
    if stream.features is None:
        raise ValueError(
            "the stream does not know the types of its columns; give it features=Features({...}) "
            "where it is made or mapped, or call stream.cast(Features({...}))"
        )
    plain = stream.with_format(None).decode(False)
    if set(_kinds(plain.state_dict())) <= IN_ORDER:
        return [plain.shard(plain.num_shards, part) for part in range(plain.num_shards)]
    return [plain]


def batches(part: IterableDataset, size: int) -> Iterator[dict[str, list[Any]]]:
    """Yields the rows of a part by columns, all of them in every worker of a loader."""
    yield from part.iter(size)


def chunks(part: IterableDataset, features: Features, size: int) -> Iterator[Dataset]:
    """Yields the rows of a part as datasets in memory."""
    for columns in batches(part, size):
        yield Dataset.from_dict(columns, features=features)


def _kinds(state: Any) -> Iterator[str]:
    """Yields the names of what a stream is made of."""
    inner = state.values() if isinstance(state, dict) else state if isinstance(state, list) else ()
    if isinstance(state, dict) and "type" in state:
        yield state["type"]
    for value in inner:
        yield from _kinds(value)
