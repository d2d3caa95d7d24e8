"""Draws a figure of the paper by name, and writes it with its numbers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hf_dynsel.compare.formats import csv_text
from hf_dynsel.extras import require
from hf_dynsel.figures.codes import codes
from hf_dynsel.figures.convergence import convergence
from hf_dynsel.figures.faithfulness import faithfulness
from hf_dynsel.figures.gains import gains
from hf_dynsel.figures.keep import keep
from hf_dynsel.figures.of_runs import dynamics, examples, scores, usage
from hf_dynsel.figures.request import Request
from hf_dynsel.figures.unit_images import unit_images
from hf_dynsel.figures.units import units
from hf_dynsel.provenance import library_version
from hf_dynsel.report.examples import slug
from hf_dynsel.report.markdown import markdown_table
from hf_dynsel.report.picture import Picture, Section, Table

FIGURES: Mapping[str, Callable[[Request], Section]] = MappingProxyType(
    {
        "codes": codes,
        "convergence": convergence,
        "dynamics": dynamics,
        "examples": examples,
        "gains": gains,
        "keep": keep,
        "mmd": faithfulness,
        "scores": scores,
        "unit_images": unit_images,
        "units": units,
        "usage": usage,
    }
)


def draw(request: Request, output: Path | None = None) -> tuple[list[Path], list[str]]:
    """Returns the files that a figure was written to, and what it had to leave out.

    A chart is a PNG, an SVG and a JSON file with its numbers; a table is a CSV and a Markdown
    file. The same input gives the same files.

    Args:
        request: what to draw, and of what.
        output: for the files; `figures` in the first folder if not given.

    Raises:
        ValueError: if the input does not fit the figure, or lacks what cannot be derived.
        ImportError: if the extra `report` is not installed.
    """
    if request.name not in FIGURES:
        raise ValueError(
            f"there is no figure '{request.name}'; there are {', '.join(sorted(FIGURES))}"
        )
    if not request.folders:
        raise ValueError(f"the figure '{request.name}' needs a folder, of a run or of results")
    for folder in request.folders:
        if not folder.is_dir():
            raise FileNotFoundError(
                f"there is no folder {folder}; give that of a run or of results"
            )
    require("matplotlib.figure", "report")
    found = FIGURES[request.name](request)
    return save(found, output or request.folders[0] / "figures"), list(found.missing)


def save(section: Section, folder: Path) -> list[Path]:
    """Returns the files that the charts and tables of a section were written to."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, bytes] = {}
    for picture in section.pictures:
        files[f"{picture.name}.png"] = picture.png
        files[f"{picture.name}.svg"] = picture.svg
        files[f"{picture.name}.json"] = (json.dumps(_facts(picture), indent=1) + "\n").encode()
    for table in section.tables:
        files[f"{slug(table.caption).lower()}.csv"] = csv_text(_rows(table)).encode()
        files[f"{slug(table.caption).lower()}.md"] = f"{markdown_table(_rows(table))}\n".encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def _facts(picture: Picture) -> dict[str, Any]:
    return {
        "alt": picture.alt,
        "caption": picture.caption,
        "version": library_version(),
        "numbers": picture.numbers,
    }


def _rows(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]
