from collections.abc import Callable
from pathlib import Path

import pytest

from hf_dynsel.report.runfolder import read_run
from hf_dynsel.report.trace import follow
from hf_dynsel.report.usage_figures import usage_histogram, usage_section

MakeRun = Callable[..., Path]


def test_the_overlap_needs_two_epochs(make_run: MakeRun, tmp_path: Path) -> None:
    section = usage_section(follow(read_run(make_run(tmp_path, size=20, epochs=1))))
    assert [picture.name for picture in section.pictures] == ["usage"]
    assert section.missing == [
        "The overlap of consecutive epochs needs two epochs; this run has one."
    ]


@pytest.mark.parametrize("epochs", [1, 200])
def test_the_caption_agrees_with_the_summary(
    make_run: MakeRun, tmp_path: Path, epochs: int
) -> None:
    run = read_run(make_run(tmp_path, size=20, epochs=epochs))
    caption = usage_histogram(follow(run).counts, epochs).caption
    mean = run.summary.samples_trained / 20
    assert f"On average a sample was used in {mean:.1f} of {epochs} epochs" in caption
    assert f"The Gini coefficient is {run.summary.usage['gini']:.2f}" in caption
