"""Says where data come from, so that what is made of them can name it and keep its terms."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from datasets import Dataset, DatasetDict

from hf_dynsel import provenance

Task = Literal["image-classification", "text-classification"]
NOTE = "source"


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from.

    Args:
        name: as its authors write it.
        task: that it is for.
        hub_id: its repository on the Hub, if it has one.
        license: an identifier that the Hub knows, such as `mit`; `unknown` if it is.
        redistribution: whether its terms let others have its texts or images from us.
    """

    name: str
    task: Task
    hub_id: str | None = None
    license: str = "unknown"
    redistribution: bool = True


def note_source(splits: DatasetDict, source: Source) -> DatasetDict:
    """Returns the splits with a note of their source, which goes where their rows go."""
    noted = {name: provenance.record(split, NOTE, asdict(source)) for name, split in splits.items()}
    return DatasetDict(noted)


def task_of(dataset: Dataset) -> Task:
    """Returns the task of data with our columns: of texts if they have one called `text`."""
    return "text-classification" if "text" in dataset.column_names else "image-classification"


def source_of(dataset: Dataset) -> dict[str, Any]:
    """Returns what is noted on the source of a dataset; empty if nothing is."""
    note: dict[str, Any] = provenance.recorded(dataset).get(NOTE, {})
    return note
