"""Finds every fault of a suite file at once, the recipes of its members aside."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hf_dynsel.published import published
from hf_dynsel.section_checks import optional
from hf_dynsel.signatures import faults, fits, unknown
from hf_dynsel.suite.beside import ambiguous
from hf_dynsel.suite.measures import NAMES, measure_of
from hf_dynsel.suite.section import Member, Suite, chosen, numbers_of

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
LETTERS = "use letters, digits and any of _ . + - inside"
RESERVED = ("results",)  # what else is in the folder of a suite
FILTERS = ("dataset", "backbone", "method", "type", "lr_schedule", "metric")


def section_faults(content: Mapping[str, Any]) -> list[str]:
    """Returns what is wrong with a suite file, the recipes of its members aside."""
    found = [*faults(content, Suite, "suite"), *_columns(content), *_table(content)]
    if not SAFE.fullmatch(str(content.get("suite"))):
        found.append(f"suite: names a folder; {LETTERS}")
    members = optional(content, "members")
    if not members:
        found.append("members: names none; give each comparison a name and its 'recipe'")
    for name, member in members.items():
        found += _member(content, str(name), member)
    names = [str(name).lower() for name in members]
    found += [
        f"members.{name}: differs from another name in case alone; choose another"
        for name in members
        if names.count(str(name).lower()) > 1
    ]
    return [*found, *_drop(content, list(members))]


def _columns(content: Mapping[str, Any]) -> Iterator[str]:
    columns = content.get("columns", ["accuracy"])
    if not fits(columns, list[str]):
        return
    for name in columns:
        if measure_of(name) is None:
            yield unknown(name, NAMES, "columns", "a suite")
    if len(set(columns)) < len(columns) or not columns:
        yield f"columns: takes measures, at least one and each once; got {columns}"


def _table(content: Mapping[str, Any]) -> Iterator[str]:
    paper, table = content.get("paper"), content.get("table")
    if (paper is None) != (table is None):
        yield "paper and table: stand together, such as paper: B and table: '1'"
    elif isinstance(paper, str) and isinstance(table, str) and not numbers_of(content):
        tables = {f"{one.paper} {one.table}" for one in published().numbers}
        yield f"table: there is no table {paper} {table}; there are {', '.join(sorted(tables))}"


def _member(content: Mapping[str, Any], name: str, member: Any) -> Iterator[str]:
    path = f"members.{name}"
    if not SAFE.fullmatch(name) or name in RESERVED:
        yield f"{path}: names a folder; {LETTERS}"
    yield from (wrong := list(faults(member, Member, path)))
    yield from _changes(path, member)
    if not wrong and member.get("published") is not None:
        yield from _published(content, member["published"], f"{path}.published")


def _published(content: Mapping[str, Any], asked: Mapping[str, str], path: str) -> Iterator[str]:
    """Yields what is wrong with the fields that say which published rows are of a member."""
    rows = numbers_of(content)
    if content.get("paper") is None:
        yield f"{path}: names rows of a table; add 'paper' and 'table' to the suite"
    if not rows:
        return
    wrong = [unknown(key, FILTERS, path, "a published row") for key in asked if key not in FILTERS]
    for key in asked.keys() & {*FILTERS}:
        known = {str(found) for one in rows if (found := getattr(one, key)) is not None}
        if asked[key] not in known:
            wrong.append(unknown(asked[key], known, f"{path}.{key}", "the table"))
    yield from wrong
    if wrong:
        return
    if not (left := chosen(content, asked)):
        yield f"{path}: no row of the table has all of {dict(asked)}"
    names = content.get("columns", ["accuracy"])
    measures = [found for name in names if (found := measure_of(str(name))) is not None]
    yield from (f"{path}: {fault}" for fault in ambiguous(left, measures))


def _changes(path: str, member: Any) -> Iterator[str]:
    changes = member.get("set", []) if isinstance(member, Mapping) else []
    for change in changes if fits(changes, list[str]) else []:
        key, equals, _ = change.partition("=")
        if not key or not equals:
            yield f"{path}.set: {change!r} is no change; one looks like trainer.learning_rate=0.1"
        if key == "output_dir":
            yield f"{path}.set: output_dir follows from the suite's; leave it out"


def _drop(content: Mapping[str, Any], members: Sequence[str]) -> Iterator[str]:
    drop = content.get("drop")
    if drop is None or not fits(drop, list[str]):
        return
    if len(drop) != 2 or len(set(drop)) != 2 or not set(drop) <= set(members):
        yield f"drop: takes two of the members, {', '.join(members)}; got {drop}"
