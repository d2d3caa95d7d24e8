"""Writes the tables of a suite as Markdown, CSV and JSON, a pure function of its results."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from hf_dynsel.compare.formats import csv_text
from hf_dynsel.compare.statistics import Difference
from hf_dynsel.suite.drops import drops
from hf_dynsel.suite.entries import Entry, entries
from hf_dynsel.suite.files import Found, read_suite
from hf_dynsel.suite.markdown import markdown

GAPS = ("to_rs2", "to_full", "gap")


def write_suite(results: Path, folder: Path) -> None:
    """Writes `suite.md`, `suite.csv` and `suite.json` into a folder.

    Args:
        results: with the setup of the suite and the results of its members.
        folder: for the tables.

    Raises:
        ValueError: as `read_suite` does.
    """
    found = read_suite(results)
    rows = _entries(found)
    flat = [_flat(entry) for member in rows.values() for entry in member]
    texts = {
        "suite.md": markdown(found, rows),
        "suite.csv": csv_text(flat),
        "suite.json": _json(found, rows),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def render_suite(results: Path) -> str:
    """Returns the page of a suite.

    Args:
        results: with the setup of the suite and the results of its members.

    Raises:
        ValueError: as `read_suite` does.
    """
    found = read_suite(results)
    return markdown(found, _entries(found))


def _entries(found: Found) -> dict[str, list[Entry]]:
    suite = found.suite
    return {
        name: entries(name, results, suite.measures, suite.numbers(name))
        for name, results in found.results.items()
    }


def _json(found: Found, rows: Mapping[str, Sequence[Entry]]) -> str:
    content = {
        "suite": found.suite.plain(),
        "failed": dict(found.failed),
        "missing": found.missing,
        "rows": [_whole(entry) for member in rows.values() for entry in member],
        "drops": [asdict(drop) for drop in drops(found.suite, found.results)],
    }
    return json.dumps(content, indent=2) + "\n"


def _whole(entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"gap": None if entry.gap is None else asdict(entry.gap)}


def _flat(entry: Entry) -> dict[str, Any]:
    """Returns an entry without anything inside of anything."""
    row = _whole(entry)
    number = row.pop("number")
    gaps = {name: row.pop(name) or {} for name in GAPS}
    for name, gap in gaps.items():
        for part in (field.name for field in fields(Difference) if field.name != "adjusted"):
            row[f"{name}_{part}"] = gap.get(part)
    return row | {"paper_method": number and number["method"]}
