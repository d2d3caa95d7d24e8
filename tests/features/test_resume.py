import threading
from pathlib import Path

import pytest
from accelerate import Accelerator

from hf_dynsel.features import extract

SIZES = {"batch_size": 2, "shard_size": 4}  # ten rows: shards of 2, 2 and 1 batches


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*/*"))}


def shard(folder: Path, place: int) -> Path:
    (path,) = folder.glob(f"*/{place:05d}.*.arrow")
    return path


@pytest.mark.parametrize("fail_at", range(5))
def test_a_resumed_run_has_the_bytes_of_one_without_a_stop(toy, numbers, tmp_path, fail_at):
    extract(numbers, toy(), cache_dir=tmp_path / "whole", **SIZES)
    with pytest.raises(KeyboardInterrupt):
        extract(numbers, toy(fail_at=fail_at), cache_dir=tmp_path / "cut", **SIZES)
    extract(numbers, toy(), cache_dir=tmp_path / "cut", **SIZES)
    assert files(tmp_path / "cut") == files(tmp_path / "whole")


@pytest.mark.parametrize(("fail_at", "left"), [(0, 5), (1, 5), (2, 3), (3, 3), (4, 1)])
def test_finished_shards_are_not_encoded_again(toy, numbers, tmp_path, fail_at, left):
    """A stop in shard k leaves the batches from the start of shard k on."""
    with pytest.raises(KeyboardInterrupt):
        extract(numbers, toy(fail_at=fail_at), cache_dir=tmp_path, **SIZES)
    again = toy()
    extract(numbers, again, cache_dir=tmp_path, **SIZES)
    assert again.calls == left


def test_an_interruption_leaves_no_partial_file(toy, numbers, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        extract(numbers, toy(fail_at=3), cache_dir=tmp_path, **SIZES)
    assert [path.suffix for path in sorted(tmp_path.glob("*/*"))] == [".arrow", ".json"]


def test_a_resumed_run_keeps_its_first_shard_size(toy, numbers, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        extract(numbers, toy(fail_at=3), cache_dir=tmp_path, **SIZES)
    got = extract(numbers, toy(), cache_dir=tmp_path, batch_size=2, shard_size=3)
    assert got["features"][:] == [[x, x + 1] for x in range(10)]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


@pytest.mark.parametrize("damage", [cut, flip, lambda content: b""], ids=["cut", "flip", "empty"])
def test_a_damaged_shard_is_encoded_again(toy, numbers, tmp_path, caplog, damage):
    extract(numbers, toy(), cache_dir=tmp_path, **SIZES)
    whole = files(tmp_path)
    path = shard(tmp_path, 1)
    content = damage(path.read_bytes())
    path.unlink()  # a new file: the first dataset still maps the old one
    path.write_bytes(content)
    again = toy()
    extract(numbers, again, cache_dir=tmp_path, **SIZES)
    assert again.calls == 2
    assert f"{path} is damaged" in caplog.text
    assert files(tmp_path) == whole


def test_a_deleted_shard_is_encoded_again(toy, numbers, tmp_path):
    extract(numbers, toy(), cache_dir=tmp_path, **SIZES)
    shard(tmp_path, 2).unlink()
    again = toy()
    extract(numbers, again, cache_dir=tmp_path, **SIZES)
    assert again.calls == 1


class Rank(Accelerator):
    """One of two processes, played by a thread."""

    def __init__(self, index: int, barrier: threading.Barrier):
        super().__init__(cpu=True)
        self.index, self.barrier = index, barrier

    process_index = property(lambda self: self.index)
    num_processes = property(lambda self: 2)
    is_main_process = property(lambda self: self.index == 0)

    def wait_for_everyone(self) -> None:
        self.barrier.wait(timeout=20)


def test_two_processes_share_the_shards_and_agree_with_one(toy, numbers, tmp_path):
    """Three shards of 2, 2 and 1 batches: the first process gets shards 0 and 2."""
    extract(numbers, toy(), cache_dir=tmp_path / "one", **SIZES)
    barrier = threading.Barrier(2)
    ranks = [Rank(index, barrier) for index in range(2)]
    backbones = [toy(), toy()]
    columns = [None, None]

    def work(index: int) -> None:
        got = extract(
            numbers,
            backbones[index],
            cache_dir=tmp_path / "two",
            accelerator=ranks[index],
            **SIZES,
        )
        columns[index] = got["features"][:]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [backbone.calls for backbone in backbones] == [3, 2]
    assert columns[0] == columns[1] == [[x, x + 1] for x in range(10)]
    assert files(tmp_path / "two") == files(tmp_path / "one")
