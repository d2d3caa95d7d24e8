from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict

from hf_dynsel.data.cache import cached


def one_row() -> dict[str, Dataset]:
    return {"train": Dataset.from_dict({"label": [7]})}


def must_not_run() -> dict[str, Dataset]:
    raise AssertionError("built although it was cached")


def test_the_second_call_builds_nothing(tmp_path: Path) -> None:
    cached("idx", "key", one_row, tmp_path)
    assert cached("idx", "key", must_not_run, tmp_path)["train"][0] == {"label": 7}


def test_another_key_builds_again(tmp_path: Path) -> None:
    cached("idx", "key", one_row, tmp_path)
    with pytest.raises(AssertionError, match="built"):
        cached("idx", "other", must_not_run, tmp_path)


def test_a_process_that_was_overtaken_uses_the_winners_files(tmp_path: Path) -> None:
    def overtaken() -> dict[str, Dataset]:
        cached("idx", "key", one_row, tmp_path)
        return one_row()

    assert len(cached("idx", "key", overtaken, tmp_path)["train"]) == 1
    assert [path.name for path in (tmp_path / "hf_dynsel").iterdir()] == ["idx-key"]


def test_a_failed_build_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_half(self: DatasetDict, folder: Path) -> None:
        folder.mkdir(parents=True)
        raise OSError("disk full")

    monkeypatch.setattr(DatasetDict, "save_to_disk", save_half)
    with pytest.raises(OSError, match="disk full"):
        cached("idx", "key", one_row, tmp_path)
    assert not list((tmp_path / "hf_dynsel").iterdir())


def test_no_folder_means_the_cache_of_datasets(own_cache: Path) -> None:
    cached("idx", "key", one_row, None)
    assert (own_cache / "hf_dynsel" / "idx-key").is_dir()
