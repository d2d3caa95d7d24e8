from collections.abc import Callable
from pathlib import Path

import pytest

from hf_dynsel.report.class_figures import class_section
from hf_dynsel.report.runfolder import read_run
from hf_dynsel.report.trace import follow

MakeRun = Callable[..., Path]


@pytest.mark.parametrize("classes", [2, 20, 30])
def test_any_number_of_classes_is_drawn(make_run: MakeRun, tmp_path: Path, classes: int) -> None:
    run = read_run(make_run(tmp_path, size=60, epochs=2, classes=classes))
    names = [f"class {number}" for number in range(classes)]
    (picture,) = class_section(run, follow(run), names).pictures
    assert picture.alt.startswith(f"Share of each of {classes} classes among the samples used")


def test_the_largest_gap_to_the_training_set_is_said(make_run: MakeRun, tmp_path: Path) -> None:
    """One epoch of all data: nothing to change."""
    run = read_run(make_run(tmp_path, size=60, epochs=1, classes=2))
    (picture,) = class_section(run, follow(run), ["a", "b"]).pictures
    assert "At most 0.0% of an epoch would have to change class" in picture.caption
