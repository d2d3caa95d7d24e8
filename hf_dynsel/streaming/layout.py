"""What a folder of scores of a stream was begun with, and what it holds once it is finished."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hf_dynsel.json_files import read_object
from hf_dynsel.streaming.shards import UnitShards, write_object

BEGUN, FINISHED, SCORES = "layout.json", "stream.json", "scores.parquet"


@dataclass(frozen=True)
class Finished:
    """What the scores of a stream are of.

    Args:
        folder: that holds them.
        parts: rows of each part, one after the other.
        shard_size: rows per row group, but for the last of a part.
        columns: that the marks are of.
        scores: class, settings and origin by name.
    """

    folder: Path
    parts: list[int]
    shard_size: int
    columns: list[str]
    scores: dict[str, Any]

    @property
    def rows(self) -> int:
        """Rows of the whole stream."""
        return sum(self.parts)

    def first_row(self, part: int) -> int:
        """Returns the number of the first row of a part."""
        return sum(self.parts[:part])

    def row_groups(self, part: int) -> range:
        """Returns the row groups of a part in the file of scores."""
        counts = [-(-rows // self.shard_size) for rows in self.parts]
        return range(sum(counts[:part]), sum(counts[: part + 1]))

    def write(self) -> None:
        """Says that the scores are whole."""
        write_object(self.folder / FINISHED, asdict(self) | {"folder": None})

    @classmethod
    def read(cls, folder: str | Path) -> "Finished":
        """Returns what a folder holds.

        Raises:
            ValueError: if its scores are not whole.
        """
        place = Path(folder)
        if not (place / FINISHED).is_file():
            begun = "is not finished" if (place / BEGUN).is_file() else "has no scores of a stream"
            raise ValueError(f"{place} {begun}; call score_stream, which goes on where it ended")
        return cls(**read_object(place / FINISHED) | {"folder": place})


def begin(folder: Path, settings: dict[str, Any]) -> None:
    """Notes what scores are made with, or checks that it is what they were begun with.

    Raises:
        ValueError: if it is not; names the values.
    """
    if not (folder / BEGUN).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_object(folder / BEGUN, settings)
    noted = read_object(folder / BEGUN)
    for name, value in settings.items():
        if noted.get(name) != value:
            raise ValueError(
                f"{folder} was begun with {name} {noted.get(name)!r}, and this is {value!r}; give "
                "another folder, or what it was begun with"
            )


def shards_in(folder: Path) -> UnitShards:
    """Returns the active units that a folder holds."""
    return UnitShards(folder / "units")
