"""Loads scores from a folder or from the Hub."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from hf_dynsel.json_files import MOST_BYTES
from hf_dynsel.scores.files import Also
from hf_dynsel.scores.notes import NOTES_FILE, read_notes, table_parts
from hf_dynsel.scores.reading import ROW_BYTES, VECTOR_BYTES, read_scores
from hf_dynsel.scores.table import ScoreTable

if TYPE_CHECKING:
    from hf_dynsel.hub import Pulled


def load_scores(
    name: str | Path, revision: str | None = None, *, also: Collection[Also] = ()
) -> ScoreTable:
    """Returns the scores of a dataset, to be put on its rows with `attach`.

    From the Hub, only the files that are needed are downloaded, and everything is checked before
    use: nothing that is downloaded is run.

    Args:
        name: a folder that `save_scores` wrote, or a dataset repository on the Hub.
        revision: branch, tag or commit of the repository.
        also: what else is read, if it is there: sparse codes, features.

    Raises:
        HubError: if the repository cannot be had, or a file is not what the Hub says it is.
        ValueError: if a file is missing, damaged, or does not fit the others.
    """
    if Path(name).is_dir():
        if revision is not None:
            raise ValueError(f"'{name}' is a folder, which has no revision; leave out '{revision}'")
        return read_scores(Path(name), also)
    pulled = pull_scores(str(name), revision, also)
    return read_scores(pulled.folder, also, pulled.source)


def pull_scores(repo_id: str, revision: str | None, also: Collection[Also]) -> "Pulled":
    """Returns the files of a score dataset, downloaded and not yet read but for the notes."""
    from hf_dynsel.hub import pull

    limit = {NOTES_FILE: MOST_BYTES}
    try:
        first = pull(repo_id, limit, repo_type="dataset", revision=revision)
    except ValueError as invalid:
        raise ValueError(f"there is no folder '{repo_id}', and {invalid}") from invalid
    notes = read_notes(first.folder / NOTES_FILE)
    rows, parts = notes["num_rows"], table_parts(notes)
    each = MOST_BYTES // len(parts)
    limits = {NOTES_FILE: MOST_BYTES}
    limits |= {name: each + len(held) * ROW_BYTES for name, held in parts.items()}
    limits |= {f"{extra}.parquet": MOST_BYTES + rows * VECTOR_BYTES for extra in also}
    return pull(repo_id, limits, repo_type="dataset", revision=first.commit)
