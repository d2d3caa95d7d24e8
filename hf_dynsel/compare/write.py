"""Writes the tables and charts of a comparison."""

from pathlib import Path

from hf_dynsel.compare.figures import pictures
from hf_dynsel.compare.formats import as_json, latex, markdown, runs_csv, summary_csv
from hf_dynsel.compare.published import published_order
from hf_dynsel.compare.results import read_results


def write_tables(results: Path, folder: Path) -> None:
    """Writes `comparison.md`, `.csv`, `.tex`, `.json`, `runs.csv` and `figures/` into a folder.

    They are a pure function of the results.

    Args:
        results: what `hf-dynsel compare` left in `results/`.
        folder: for the tables.

    Raises:
        ValueError: as `read_results` does.
    """
    found = read_results(results)
    texts = {
        "comparison.md": markdown(found),
        "comparison.csv": summary_csv(found),
        "comparison.tex": latex(found),
        "comparison.json": as_json(found),
        "runs.csv": runs_csv(found),
    }
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    for name, image in pictures(found).items():
        (folder / "figures" / name).write_bytes(image)


def render(results: Path, *, published: bool = False) -> str:
    """Returns the tables of a folder of results, and the published order beside ours.

    Args:
        results: what `hf-dynsel compare` left in `results/`.
        published: whether to add the orders of the papers' tables.

    Raises:
        ValueError: as `read_results` does.
    """
    found = read_results(results)
    order = f"\n## The published order\n\n{published_order(found)}" if published else ""
    return markdown(found) + order
