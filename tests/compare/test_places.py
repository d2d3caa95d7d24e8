"""Which device or share of the threads each process gets."""

import pytest
import torch

from hf_dynsel.compare.places import places, visible_devices


def test_by_default_each_device_has_one_process() -> None:
    found = places(None, ["0", "2"], 8)
    assert found == [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "2"}]


def test_more_jobs_than_devices_take_turns() -> None:
    assert [place["CUDA_VISIBLE_DEVICES"] for place in places(3, ["0", "1"], 8)] == ["0", "1", "0"]


def test_without_a_device_processes_share_the_threads() -> None:
    assert places(3, [], 8) == [{"OMP_NUM_THREADS": "2"}] * 3
    assert places(4, [], 2) == [{"OMP_NUM_THREADS": "1"}] * 4
    assert len(places(None, [], 8)) == 1


def test_no_job_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        places(0, [], 8)


@pytest.mark.parametrize(
    ("named", "count", "found"),
    [(None, 2, ["0", "1"]), ("3,5", 2, ["3", "5"]), ("", 0, []), ("GPU-a,GPU-b", 1, ["GPU-a"])],
)
def test_devices_keep_the_names_they_were_given(monkeypatch, named, count, found) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_devices() == found
