"""Refuses what cannot be scored on a stream, before any row is read."""

from collections.abc import Sequence

from hf_dynsel.scores.code_score import CodeScore
from hf_dynsel.streaming.marks import EVERY


def require_scores(scores: Sequence[CodeScore]) -> None:
    """Raises ValueError unless each score needs no more than counts of the other rows."""
    for score in scores:
        if not isinstance(score, CodeScore):
            raise ValueError(
                f"{type(score).__name__} needs all samples at once; a stream has scores of active "
                "units, such as Representativeness and Diversity"
            )
        if score.normalize not in (None, "minmax"):
            raise ValueError(
                f"normalize={score.normalize!r} of {type(score).__name__} sorts all samples or "
                "their classes; for a stream take 'minmax' or None"
            )
    names = [score.name for score in scores]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"give one score of each kind, at least one, got {names}")


def require_sizes(shard_size: int, batch_size: int) -> None:
    """Raises ValueError unless shards begin with a marked row, and batches have rows."""
    if shard_size < EVERY or shard_size % EVERY or batch_size < 1:
        raise ValueError(
            f"shard_size must be a multiple of {EVERY} rows and batch_size at least 1, got "
            f"{shard_size} and {batch_size}"
        )


def require_parts(parts: int, processes: int) -> None:
    """Raises ValueError if a process would have no part of the stream."""
    if processes > parts:
        raise ValueError(
            f"{processes} processes cannot share a stream of {parts} parts, which are its files; "
            "start as many as there are, store it in more, or call map and filter after keep_stream"
        )
