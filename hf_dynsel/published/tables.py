"""Reads every number of the papers' tables, with what it is of, and the tables' known faults."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from hf_dynsel import yaml_files

FILE = "paper_tables.yaml"
RENAMED = {"ratio": "keep", "printed_ratio": "printed_keep"}


@dataclass(frozen=True)
class Paper:
    """A paper.

    Args:
        arxiv: its number there.
        title: its title.
        completeness: which of its numbers are here.
    """

    arxiv: str
    title: str
    completeness: str


@dataclass(frozen=True)
class Number:
    """A number as a paper prints it.

    Args:
        paper: A or B.
        table: its number, or `summary`.
        method: as the paper calls it.
        metric: what was measured, with its unit.
        value: of the metric; True for a claim without a number.
        keep: fraction of the data kept per epoch, 1 for full data; None where it is not stated.
        dataset: name of the data; None where it is not stated.
        backbone: name of the model; None where it is not stated.
        pm: the spread printed behind the value.
        type: static or dynamic, where the table has a column for it.
        lr_schedule: where the table compares them.
        printed_delta: the difference to full data that stands beside the value.
        delta_vs_printed_full: the value less full data's of the table, where that is another.
        printed_keep: the fraction in the table's header, where it is known to be wrong.
        note: what else a reader must know.
    """

    paper: str
    table: str
    method: str
    metric: str
    value: float | bool
    keep: float | None
    dataset: str | None
    backbone: str | None
    pm: float | None = None
    type: str | None = None
    lr_schedule: str | None = None
    printed_delta: float | None = None
    delta_vs_printed_full: float | None = None
    printed_keep: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Issue:
    """What is known to be wrong with tables of a paper.

    Args:
        paper: A or B.
        tables: their numbers.
        text: what is wrong.
    """

    paper: str
    tables: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Published:
    """What the papers print: papers by letter, numbers in the order of the tables, and issues."""

    papers: Mapping[str, Paper]
    numbers: tuple[Number, ...]
    issues: tuple[Issue, ...]

    def table(self, paper: str, table: str) -> list[Number]:
        """Returns the numbers of one table."""
        return [one for one in self.numbers if (one.paper, one.table) == (paper, table)]

    def faults(self, paper: str, table: str) -> list[str]:
        """Returns what is known to be wrong with one table."""
        return [one.text for one in self.issues if one.paper == paper and table in one.tables]

    def source(self, paper: str, table: str) -> str:
        """Returns what a citation calls a table."""
        name = f"table {table}" if table.isdigit() else table
        return f"arXiv {self.papers[paper].arxiv} {name}"


@cache
def published() -> Published:
    """Returns everything the papers print; the values are theirs, none is measured by us."""
    text = (resources.files("hf_dynsel.published") / FILE).read_text(encoding="utf-8")
    content = yaml_files.parse(text, FILE)
    return Published(
        {letter: Paper(**paper) for letter, paper in content["papers"].items()},
        tuple(_number(row) for row in content["rows"]),
        tuple(
            Issue(one["paper"], tuple(one["tables"].split(",")), one["text"])
            for one in content["issues"]
        ),
    )


def _number(row: Mapping[str, Any]) -> Number:
    return Number(**{RENAMED.get(name, name): value for name, value in row.items()})
