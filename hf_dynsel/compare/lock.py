"""Keeps two calls from training in the same folders at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

FILE = "running.lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds a folder for the block, and makes it; the system lets go when the process ends.

    Raises:
        ValueError: if another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout as held:
        raise ValueError(
            f"another process trains in {folder}; wait until it ends, or set another output_dir"
        ) from held
    try:
        yield
    finally:
        lock.release()
