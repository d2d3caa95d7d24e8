"""The order that papers publish beside the order that was measured here."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from scipy import stats

from hf_dynsel import yaml_files
from hf_dynsel.compare.results import Results
from hf_dynsel.compare.table import table
from hf_dynsel.signatures import faults, fits, wrong_kind

FEWEST = 2  # methods that have an order


@dataclass(frozen=True)
class Number:
    """A number as it was published.

    Args:
        source: paper and table.
        dataset: name of the data.
        model: name of the model.
        method: as the paper calls it.
        keep: fraction kept.
        value: the metric, higher is better.
    """

    source: str
    dataset: str
    model: str
    method: str
    keep: float
    value: float


@dataclass(frozen=True)
class Published:
    """Published numbers, and our labels of the methods, by what the papers call them."""

    labels: Mapping[str, str]
    rows: Sequence[Number]


@dataclass(frozen=True)
class Agreement:
    """Two orders of the same methods.

    Args:
        place: source, dataset, model and fraction kept of the published one.
        theirs: labels by published value, best first.
        ours: labels by our mean, best first.
        tau: Kendall's tau-b of the two, from -1 to 1; NaN where one has no order.
        apart: pairs that the two order in opposite ways: what the paper has ahead comes first.
    """

    place: str
    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    tau: float
    apart: tuple[tuple[str, str], ...]


def read_published(file: Path) -> Published:
    """Returns the numbers in a YAML file with the keys `labels` and `rows`.

    Raises:
        ValueError: if the file holds anything else.
    """
    content = yaml_files.read(file)
    if not isinstance(content, Mapping) or {*content} != {"labels", "rows"}:
        raise ValueError(f"{file} must hold 'labels' and 'rows'")
    if found := list(_faults(content)):
        raise ValueError("\n  ".join([f"{file} has {len(found)} faults:", *found]))
    return Published(content["labels"], [Number(**row) for row in content["rows"]])


def _faults(content: Mapping[str, Any]) -> Iterator[str]:
    labels, rows = content["labels"], content["rows"]
    if not fits(labels, dict[str, str]):
        yield f"labels: takes our label of each published name; got {labels!r}"
    if not isinstance(rows, list):
        yield wrong_kind("rows", rows, list)
        return
    for i, row in enumerate(rows):
        yield from (wrong := list(faults(row, Number, f"rows.{i}")))
        if not wrong and not math.isfinite(row["value"]):
            yield f"rows.{i}.value: {row['value']} is no result; leave the row out"


def agreements(published: Published, ours: Mapping[float, Mapping[str, float]]) -> list[Agreement]:
    """Returns the two orders of the methods in common, for each published table and fraction.

    Args:
        published: numbers of papers.
        ours: mean of the metric by `keep` and label.

    Raises:
        ValueError: if two methods of a published table have one label.
    """
    tables: dict[tuple[str, float], dict[str, float]] = {}
    for row in published.rows:
        label = published.labels.get(row.method)
        if label in ours.get(row.keep, {}):
            place = f"{row.source}, {row.dataset}, {row.model}, keep {row.keep}"
            values = tables.setdefault((place, row.keep), {})
            if label in values:
                raise ValueError(f"{place}: two methods have the label '{label}'; name one of them")
            values[str(label)] = row.value
    return [
        _agreement(place, values, ours[keep])
        for (place, keep), values in tables.items()
        if len(values) >= FEWEST
    ]


def _agreement(place: str, theirs: Mapping[str, float], ours: Mapping[str, float]) -> Agreement:
    names = list(theirs)
    tau = stats.kendalltau([theirs[n] for n in names], [ours[n] for n in names]).statistic
    order = sorted(names, key=lambda name: -theirs[name])
    apart = tuple((a, b) for a, b in combinations(order, 2) if _opposite(a, b, theirs, ours))
    best = tuple(sorted(names, key=lambda name: -ours[name]))
    return Agreement(place, tuple(order), best, float(tau), apart)


def _opposite(a: str, b: str, theirs: Mapping[str, float], ours: Mapping[str, float]) -> bool:
    return (theirs[a] - theirs[b]) * (ours[a] - ours[b]) < 0


def published_order(results: Results, published: Published) -> str:
    """Returns both orders in Markdown, and where they differ."""
    ours = {keep: {line.label: line.mean for line in arm} for keep, arm in table(results).items()}
    parts = []
    for found in agreements(published, ours):
        apart = "; ".join(f"{a} before {b}" for a, b in found.apart) or "none"
        parts.append(
            f"**{found.place}** (Kendall's tau {found.tau:+.2f})\n\n"
            f"- published: {' > '.join(found.theirs)}\n"
            f"- ours: {' > '.join(found.ours)}\n"
            f"- in the paper but not here: {apart}"
        )
    return "\n\n".join(parts) + "\n" if parts else "No published table has two of these methods.\n"
