import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hf_dynsel.report.runfolder import read_run
from hf_dynsel.report.trace import follow
from hf_dynsel.report.training_figures import training_section

MakeRun = Callable[..., Path]


def section_of(make_run: MakeRun, folder: Path, log: list[dict[str, Any]]):  # noqa: ANN201
    (make_run(folder, size=20, epochs=2) / "log_history.json").write_text(json.dumps(log))
    run = read_run(folder)
    return training_section(run, follow(run))


def test_all_logged_metrics_are_drawn(make_run: MakeRun, tmp_path: Path) -> None:
    log = [{"epoch": 1.0, "loss": 2.0, "eval_accuracy": 0.5, "eval_perplexity": 30.0}]
    curves = section_of(make_run, tmp_path, log).pictures[0]
    assert curves.alt.endswith("against samples trained: training, accuracy, perplexity.")


def test_numbers_of_any_selector_get_a_panel(make_run: MakeRun, tmp_path: Path) -> None:
    log = [{"epoch": 0.0, "selection/epoch": 0.0, "selection/threshold": 0.7}]
    section = section_of(make_run, tmp_path, log)
    assert section.pictures[0].alt.startswith(
        "Curves over the epochs: samples per epoch, threshold. "
    )
    assert section.missing == [
        "The learning curves need logged losses or metrics; log_history.json has none."
    ]
