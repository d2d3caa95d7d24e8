import logging
import traceback
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from datasets import DatasetDict

from hf_dynsel.data import rsd15k
from rsd_posts import HEADER, MARKER, POSTS, USERS, posts, write


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("rsd") / "rsd.csv", posts())


@pytest.fixture(scope="module")
def by_posts(published: Path) -> DatasetDict:
    return rsd15k(published)


@pytest.fixture(scope="module")
def by_users(published: Path) -> DatasetDict:
    return rsd15k(published, group_by="users")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write(tmp_path / "rsd.csv", posts(dict.fromkeys(POSTS, 20), users=40))


def shares(labels: Sequence[int]) -> np.ndarray:
    return np.bincount(labels, minlength=4) / len(labels)


def test_the_split_has_the_published_sizes(by_posts: DatasetDict) -> None:
    sizes = {split: len(part) for split, part in by_posts.items()}
    assert sizes == {"train": 11_690, "validation": 1_461, "test": 1_462}


def test_every_split_has_the_class_shares_of_the_whole(by_posts: DatasetDict) -> None:
    expected = np.array(list(POSTS.values())) / sum(POSTS.values())
    for part in by_posts.values():
        np.testing.assert_allclose(shares(part["label"][:]), expected, atol=0.001)


def test_grouped_by_users_nobody_is_in_two_splits(by_users: DatasetDict) -> None:
    users = [set(part["users"][:]) for part in by_users.values()]
    assert sum(map(len, users)) == len(set.union(*users)) == USERS
    assert sum(map(len, by_users.values())) == 14_613


def test_grouped_by_users_sizes_and_shares_are_about_the_same(by_users: DatasetDict) -> None:
    expected = np.array(list(POSTS.values())) / sum(POSTS.values())
    for split, share in {"train": 0.8, "validation": 0.1, "test": 0.1}.items():
        assert len(by_users[split]) / 14_613 == pytest.approx(share, abs=0.01)
        np.testing.assert_allclose(shares(by_users[split]["label"][:]), expected, atol=0.02)


def test_split_by_posts_users_are_on_both_sides(by_posts: DatasetDict) -> None:
    assert set(by_posts["train"]["users"][:]) & set(by_posts["test"]["users"][:])


def test_labels_are_ordered_by_risk(small: Path) -> None:
    assert rsd15k(small)["train"].features["label"].names == list(POSTS)


def test_commas_quotes_and_line_breaks_in_texts_are_kept(small: Path) -> None:
    texts = [text for part in rsd15k(small).values() for text in part["text"]]
    assert sorted(texts) == sorted(row[1] for row in posts(dict.fromkeys(POSTS, 20), users=40))


def test_more_columns_spelling_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    rows = [(str(i), *row[:2], f" {row[2].upper()}", row[3]) for i, row in enumerate(some_rows())]
    path = write(tmp_path / "rsd.csv", rows, ("ID", *HEADER))
    path.write_bytes("\ufeff".encode() + path.read_bytes())
    assert rsd15k(path)["train"].column_names == ["text", "label", "users"]


def test_the_seed_chooses_the_rows(small: Path) -> None:
    first, same, other = (rsd15k(small, seed=seed)["test"]["text"][:] for seed in (0, 0, 1))
    assert first == same
    assert first != other


def some_rows() -> list[tuple[str, str, str, str]]:
    return posts(dict.fromkeys(POSTS, 10), users=40)


def bad_class(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [*rows[:6], (rows[6][0], rows[6][1], f"unsure, {MARKER}", "0"), *rows[7:]]


BAD_FILES = {
    "is empty; its first line must name the columns": b"",
    "has a header but no rows": ",".join(HEADER).encode(),
    "has no column 'users', 'sentiment' in its first line": f"who,text,time\n1,{MARKER},2\n",
    "has no column 'users', 'text', 'sentiment', 'time'": f"1,{MARKER},Ideation,2\n",
    "row 2 after the header has 5 fields, but the header has 4; quote": (
        f"{','.join(HEADER)}\n1,a,Ideation,2\n1,{MARKER}, unquoted,Ideation,2\n"
    ),
    "row 1 after the header has 2 fields": f"{','.join(HEADER)}\n1,{MARKER}\n",
    "is no well-formed CSV: unexpected end of data": f'{",".join(HEADER)}\n1,"{MARKER}\n',
    "is no UTF-8: byte 18 cannot be decoded; save it as UTF-8": (
        b"users,text,time\n1," + b"\xe9" + MARKER.encode()
    ),
}


@pytest.mark.parametrize(("message", "content"), BAD_FILES.items())
def test_a_damaged_file_is_refused_without_showing_a_text(
    message: str, content: str | bytes, tmp_path: Path
) -> None:
    path = tmp_path / "rsd.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=f"rsd.csv:? {message}") as error:
        rsd15k(path)
    assert MARKER not in "".join(traceback.format_exception(error.value))
    assert error.value.__context__ is None


def test_an_unknown_class_is_located_without_showing_it(tmp_path: Path) -> None:
    path = write(tmp_path / "rsd.csv", bad_class(some_rows()))
    with pytest.raises(ValueError, match=r"1 rows have another 'sentiment'.*row 7 after") as error:
        rsd15k(path)
    assert MARKER not in str(error.value)


def test_a_class_too_small_for_every_split_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "rsd.csv", some_rows()[:-1])
    with pytest.raises(ValueError, match=r"'Attempt' has 9 posts; .* at least 10"):
        rsd15k(path)


def test_too_few_users_to_split_by_are_refused(tmp_path: Path) -> None:
    rows = [(f"user{i % 9}", *row[1:]) for i, row in enumerate(some_rows())]
    path = write(tmp_path / "rsd.csv", rows)
    with pytest.raises(ValueError, match="by 9 users; .* at least 10"):
        rsd15k(path, group_by="users")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group_by": "user"}, "group_by must be 'users' or None, got 'user'"),
        ({"test_size": 0.6}, r"test_size must be in \(0, 0.5\], got 0.6"),
    ],
)
def test_bad_arguments_are_refused_before_reading(
    arguments: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        rsd15k(tmp_path / "nowhere.csv", **arguments)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere.csv"):
        rsd15k(tmp_path / "nowhere.csv")


def test_no_text_is_printed_logged_or_cached(
    small: Path,
    own_cache: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        parts = rsd15k(small, group_by="users")
    output = capsys.readouterr()
    assert MARKER not in output.out + output.err + caplog.text
    assert not own_cache.exists()
    assert all(not part.cache_files for part in parts.values())
