"""What selection took beside what it saved: a warning where it does not pay, and only there.

20 of 50 samples took 100 s, so the other 30 would have taken 150 s.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from hf_dynsel.report.balance import balance, pays, stages, warning
from hf_dynsel.report.page import render
from hf_dynsel.report.runfolder import read_run
from hf_dynsel.report.summary import Summary, read_summary

MakeRun = Callable[..., Path]
PART = {"samples_trained": 20, "samples_forwarded": 20, "samples_full": 50}


@pytest.fixture
def summary(make_run: MakeRun, tmp_path: Path) -> Callable[..., Summary]:
    def made(overhead: float, stage: str = "features", **counts: int) -> Summary:
        seconds = {"select": 0.25, stage: overhead, "train": 100.0, "eval": 7.0}
        changes = {**PART, **counts, "seconds": seconds}
        return read_summary(make_run(tmp_path, size=10, epochs=5, **changes) / "summary.json")

    return made


def test_the_line_on_the_stages_has_each_of_them(summary) -> None:
    assert stages(summary(3.0)) == "select 0.2, features 3.0, train 100.0, eval 7.0"


@pytest.mark.parametrize(("overhead", "paid"), [(149.5, True), (149.75, False), (150.0, False)])
def test_selection_pays_where_it_takes_less_than_it_saves(summary, overhead, paid) -> None:
    """149.75 s and 0.25 s of selection are as much as was saved: that does not pay."""
    found = summary(overhead)
    assert pays(found) is paid
    assert (warning(found) is None) is paid


def test_the_warning_has_both_numbers_and_what_to_do(summary) -> None:
    told = warning(summary(300.0))
    assert told is not None
    assert "it took 300.2 s, and the samples left out would have taken about 150.0 s" in told
    assert "(an estimate)" in told
    assert "300.0 s of it are 'features': use the scores for several runs" in told


@pytest.mark.parametrize(
    ("stage", "advice"),
    [("proxy", "fewer epochs"), ("sweep", "refresh_every"), ("select", "hf-dynsel list")],
)
def test_the_advice_is_for_the_stage_that_took_longest(summary, stage, advice) -> None:
    assert advice in str(warning(summary(400.0, stage)))


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"samples_trained": 50, "samples_forwarded": 50}, "No sample was left out"),
        ({"samples_forwarded": 50}, "cannot be told from this run; selection itself took 300.2 s"),
        ({"samples_forwarded": 70}, "cannot be told from this run; selection itself took 300.2 s"),
    ],
)
def test_where_no_forward_pass_was_saved_nothing_is_claimed(summary, counts, said) -> None:
    """Full data, and a method that looks at every sample and leaves out gradients."""
    found = summary(300.0, **counts)
    assert (pays(found), warning(found)) == (None, None)
    assert said in balance(found)
    assert "more than it saved" not in balance(found)


def test_the_page_warns_above_its_numbers_and_only_if_there_is_cause(
    make_run: MakeRun, tmp_path: Path
) -> None:
    dear = make_run(tmp_path / "dear", size=50, seconds={"features": 1000.0, "train": 10.0})
    head = render(read_run(dear), []).partition("<dl")[0]
    assert '<p class="warning" role="note">Selection does not pay in this run' in head
    cheap = make_run(tmp_path / "cheap", size=50, seconds={"features": 1.0, "train": 1000.0})
    assert 'class="warning"' not in render(read_run(cheap), [])
