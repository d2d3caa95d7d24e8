import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_dynsel.report.summary import read_summary

MakeRun = Callable[..., Path]


def summary_of(make_run: MakeRun, folder: Path, **changes: object):  # noqa: ANN201
    return read_summary(make_run(folder, size=10, epochs=4, **changes) / "summary.json")


def test_the_saving_is_full_samples_over_trained_samples(make_run: MakeRun, tmp_path: Path) -> None:
    """Keep 0.3 of 10 samples for 3 epochs, then all 10: 40 / (3 * 3 + 10) = 2.105."""
    summary = summary_of(make_run, tmp_path)
    assert (summary.size, summary.samples_trained) == (10, 19)
    assert summary.saving == 40 / 19


def test_overhead_is_every_stage_but_training_and_evaluation(
    make_run: MakeRun, tmp_path: Path
) -> None:
    """1 + 2 + 3 + 4 + 5 + 6 = 21 of 21 + 74 + 5 = 100 seconds."""
    seconds = {"features": 1, "sae": 2, "adapters": 3, "scores": 4, "select": 5, "sweep": 6}
    summary = summary_of(make_run, tmp_path, seconds={**seconds, "train": 74, "eval": 5})
    assert (summary.overhead_seconds, summary.overhead_share) == (21, 0.21)


def test_the_time_not_trained_follows_from_the_time_of_a_sample(
    make_run: MakeRun, tmp_path: Path
) -> None:
    """20 of 50 samples took 100 s: the other 30 would have taken 150 s."""
    counts = {"samples_trained": 20, "samples_forwarded": 20, "samples_full": 50}
    summary = summary_of(make_run, tmp_path, **counts, seconds={"train": 100})
    assert summary.seconds_not_trained == pytest.approx(150)


def test_samples_forwarded_but_not_trained_count_as_no_time_saved(
    make_run: MakeRun, tmp_path: Path
) -> None:
    counts = {"samples_trained": 20, "samples_forwarded": 50, "samples_full": 50}
    assert summary_of(make_run, tmp_path, **counts).seconds_not_trained == 0


def test_all_missing_keys_are_named(tmp_path: Path, make_run: MakeRun) -> None:
    path = make_run(tmp_path) / "summary.json"
    content = json.loads(path.read_text())
    del content["usage"], content["samples_full"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="lacks samples_full, usage; it should hold recipe, "):
        read_summary(path)


def test_a_run_that_trained_nothing_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="samples_trained 0; a finished run has at least 1"):
        summary_of(make_run, tmp_path, samples_trained=0)
