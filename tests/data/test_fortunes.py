from pathlib import Path

import numpy as np
import pytest

from hf_dynsel.data import fortunes
from hf_dynsel.data.fortunes import read_fortunes, without_repeats


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, word in {"cats": "miaow", "dogs": "woof"}.items():
        texts = [f"{word} number {i},\nsaid 50 % of them" for i in range(10)]
        (tmp_path / name).write_text("\n%\n".join(texts) + "\n%\n")
    return tmp_path


def test_texts_are_separated_by_lines_of_a_single_percent(folder: Path) -> None:
    assert read_fortunes(folder)["cats"][1] == "miaow number 1,\nsaid 50 % of them"


def test_only_fortune_files_are_read(folder: Path) -> None:
    for name in ("cats.dat", "cats.u8"):
        (folder / name).write_bytes(b"\xff")
    (folder / "off").mkdir()
    assert list(read_fortunes(folder)) == ["cats", "dogs"]


def test_empty_texts_are_left_out_and_indents_are_kept(tmp_path: Path) -> None:
    (tmp_path / "art").write_text("%\n   /\\\n%\n%\n \n%  \nend")
    assert read_fortunes(tmp_path) == {"art": ["   /\\", "end"]}


def test_undecodable_bytes_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"caf\xe9\n%\n")
    assert read_fortunes(tmp_path) == {"old": ["caf\N{REPLACEMENT CHARACTER}"]}


def test_repeats_within_a_file_are_kept_once_and_across_files_dropped() -> None:
    texts = {"a": ["Can not.", "CANNOT", "three", "four"], "b": ["Three!", "five"]}
    assert without_repeats(texts) == {"a": ["Can not.", "four"], "b": ["five"]}


def test_drawings_without_words_are_different() -> None:
    assert without_repeats({"a": ["/\\", "[]"]}) == {"a": ["/\\", "[]"]}


def test_classes_are_the_files_that_are_large_enough(folder: Path) -> None:
    (folder / "fish").write_text("blub")
    parts = fortunes(folder, min_class_size=10, test_size=0.5)
    assert parts["train"].features["label"].names == ["cats", "dogs"]
    assert np.bincount(parts["test"]["label"][:]).tolist() == [5, 5]


def test_fewer_than_two_classes_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"0 files of at least 11 texts.*'cats': 10.*lower min"):
        fortunes(folder, min_class_size=11)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder .*nowhere"):
        fortunes(tmp_path / "nowhere")


def test_the_installed_files_hold_what_is_documented(fortune_texts: dict[str, list[str]]) -> None:
    sizes = {name: len(texts) for name, texts in fortune_texts.items()}
    assert (len(sizes), sum(sizes.values())) == (43, 15_217)
    known = {"computers": 1051, "cookie": 1133, "definitions": 1203, "people": 1251}
    assert {name: sizes[name] for name in known} == known
    assert (sizes["politics"], sizes["science"], sizes["goedel"], sizes["pratchett"]) == (
        703,
        625,
        54,
        2,
    )
    assert sum(size >= 100 for size in sizes.values()) == 32


def test_no_text_is_in_both_splits() -> None:
    parts = fortunes()
    assert (len(parts["train"]), len(parts["test"])) == (11_353, 2_839)
    assert parts["train"].features["label"].num_classes == 31
    train, test = (
        {"".join(c for c in text.casefold() if c.isalnum()) for text in part["text"]}
        for part in parts.values()
    )
    assert not (train & test) - {""}
