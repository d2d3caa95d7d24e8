"""Writes the report of a run: one HTML page, and its figures as PNG files."""

from pathlib import Path

from datasets import Dataset

from hf_dynsel.extras import require
from hf_dynsel.report.class_figures import class_section
from hf_dynsel.report.cost_figure import cost_section
from hf_dynsel.report.examples import example_section
from hf_dynsel.report.noise_figure import noise_section
from hf_dynsel.report.page import render
from hf_dynsel.report.picture import Section
from hf_dynsel.report.runfolder import read_run
from hf_dynsel.report.score_figures import score_section
from hf_dynsel.report.selection_figures import selection_section
from hf_dynsel.report.sweep_table import sweep_section
from hf_dynsel.report.trace import follow
from hf_dynsel.report.training_figures import training_section
from hf_dynsel.report.training_set import class_names, require_training_set
from hf_dynsel.report.usage_figures import usage_section


def write_report(
    run_folder: Path, *, examples: Dataset | None = None, show_texts: bool = False
) -> Path:
    """Returns the path of `report.html`, written into the run folder with its `figures/`.

    The page holds its style and images, loads nothing and runs nothing; the same folder gives
    the same page. A section whose file is missing is left out, with a sentence that says so.

    Args:
        run_folder: what a finished training run wrote.
        examples: the training set, to show the samples with the highest and lowest scores.
        show_texts: whether texts of samples may be on the page; images always may.

    Raises:
        FileNotFoundError: if `summary.json` or `selections.parquet` is missing.
        ValueError: if a file or the examples are of another run or other data.
        ImportError: if the extra `report` is not installed.
    """
    require("matplotlib.figure", "report")
    run = read_run(run_folder)
    if examples is not None:
        require_training_set(run, examples)
    names = class_names(run, examples)
    trace = follow(run)
    sections = [
        training_section(run, trace),
        cost_section(run.summary),
        selection_section(run, trace),
        usage_section(trace),
        class_section(run, trace, names),
        score_section(run),
        example_section(run, examples, names, show_texts=show_texts),
    ]
    if run.summary.label_noise:
        sections.insert(3, noise_section(run.summary.label_noise))
    if run.summary.sweeps:
        sections.insert(2, sweep_section(run.summary))
    _save_figures(sections, run_folder / "figures")
    page = run_folder / "report.html"
    page.write_text(render(run, sections), encoding="utf-8", newline="\n")
    return page


def _save_figures(sections: list[Section], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for section in sections:
        for picture in section.pictures:
            (folder / f"{picture.name}.png").write_bytes(picture.png)
