"""A suite as a page of Markdown: tables of its members, orders, and faults of the paper's table."""

from collections.abc import Iterator, Mapping, Sequence

from hf_dynsel.compare.header import headline, missing, rule
from hf_dynsel.compare.published import agreement
from hf_dynsel.compare.results import Results
from hf_dynsel.published import Number, published
from hf_dynsel.report.stage_table import stage_table
from hf_dynsel.suite.drops import drops
from hf_dynsel.suite.entries import Entry, not_run
from hf_dynsel.suite.files import Found
from hf_dynsel.suite.measures import Measure
from hf_dynsel.suite.section import Suite
from hf_dynsel.suite.tables import MARK, compared_table, cost_table, drop_table

READING = (
    "± is the sample standard deviation over seeds. A difference is the mean of the differences of "
    "runs with the same seed, with its 95 % interval by Student's t; no correction is made for the "
    "number of methods, which the comparison of each member makes."
)
GAP = (
    "Published numbers are the paper's, and none was measured here. gap: our difference to full "
    "data less the paper's. Its interval is that of our seeds alone, for the paper does not say "
    f"how its own numbers vary. {MARK}: see below the table."
)


def markdown(found: Found, entries: Mapping[str, Sequence[Entry]]) -> str:
    """Returns the page of a suite.

    Args:
        found: the results.
        entries: of each member that has results.
    """
    parts = [f"# {found.suite.title}", _intro(found.suite), *_gone(found)]
    for name, results in found.results.items():
        parts += [f"## {name}", headline(results), rule(results), missing(results)]
        parts += _tables(found.suite, results, entries[name])
        parts.append("\n".join(f"- {note}" for note in results.setup.notes))
    parts += [*_drops(found), *_orders(found.suite, entries), *_rest(found, entries)]
    parts += ["## How to read it", *_reading(found.suite), *_faults(found.suite)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _intro(suite: Suite) -> str:
    if suite.paper is None or suite.table is None:
        return f"`{suite.suite}`."
    return f"`{suite.suite}`, beside {published().source(suite.paper, suite.table)}."


def _gone(found: Found) -> Iterator[str]:
    """Yields which members have no results, or not those of the last call."""
    if found.failed:
        lines = (
            f"- {name}: {'; '.join(text.split(chr(10)))}" for name, text in found.failed.items()
        )
        yield "\n".join(["Failed when last run:", "", *lines])
    if found.missing:
        yield f"Not run yet: {', '.join(found.missing)}."


def _tables(suite: Suite, results: Results, entries: Sequence[Entry]) -> Iterator[str]:
    metric, asked = results.setup.metric.replace("_", " "), len(results.setup.seeds)
    costs = [measure for measure in suite.measures if not measure.compared]
    for keep in results.runs:
        columns = {
            measure.name: [e for e in entries if (e.keep, e.measure) == (keep, measure.name)]
            for measure in suite.measures
        }
        for measure in suite.measures:
            if measure.compared:
                yield f"### Keep {keep}: {measure.heading.format(metric=metric)}"
                yield compared_table(columns[measure.name], measure, metric, asked)
        if costs:
            yield f"### Keep {keep}: cost"
            yield cost_table(columns, costs)
        runs = {label: list(found.values()) for label, found in results.runs[keep].items()}
        yield f"### Keep {keep}: seconds by stage"
        yield stage_table(runs, results.setup.epochs)


def _drops(found: Found) -> Iterator[str]:
    rows, names = drops(found.suite, found.results), found.suite.drop or ()
    if not rows:
        return
    metric = found.results[names[0]].setup.metric.replace("_", " ")
    measure = next(one for one in found.suite.measures if one.compared)
    yield f"## Drop from {names[0]} to {names[1]}"
    for keep in dict.fromkeys(row.keep for row in rows):
        yield f"### Keep {keep}: drop"
        yield drop_table([row for row in rows if row.keep == keep], names, measure, metric)


def _orders(suite: Suite, entries: Mapping[str, Sequence[Entry]]) -> Iterator[str]:
    """Yields the order of the methods in the paper beside ours, where two or more are in both."""
    found = [text for rows in entries.values() for text in _order(suite.measures, rows)]
    if found:
        yield "## The order of the methods"
        yield from found


def _order(measures: Sequence[Measure], entries: Sequence[Entry]) -> Iterator[str]:
    for measure in measures:
        if not measure.compared:
            continue
        for keep in dict.fromkeys(entry.keep for entry in entries):
            rows = [e for e in entries if (e.keep, e.measure) == (keep, measure.name)]
            theirs = {row.method: row.paper for row in rows if row.paper is not None}
            ours = {row.method: row.mean for row in rows if row.mean is not None}
            place = f"{rows[0].member}, keep {keep}, {measure.name.replace('_', ' ')}"
            if (both := agreement(place, theirs, ours)) is not None:
                yield both.describe()


def _rest(found: Found, entries: Mapping[str, Sequence[Entry]]) -> Iterator[str]:
    """Yields what the paper prints of the members and has no place in their tables."""
    numbers = dict.fromkeys(one for name in entries for one in found.suite.numbers(name))
    shown = [entry for rows in entries.values() for entry in rows]
    groups: dict[str, list[str]] = {}
    for one in not_run(numbers, shown):
        kept = "keep not stated" if one.keep is None else f"keep {one.keep}"
        parts = (one.dataset, one.backbone, one.lr_schedule, kept, _metric(one, found.suite))
        groups.setdefault(", ".join(filter(None, parts)), []).append(_named(one))
    if groups:
        yield "## In the paper, and not here"
        yield "\n".join(f"- {place}: {', '.join(names)}" for place, names in groups.items())


def _metric(number: Number, suite: Suite) -> str:
    """Returns what a published number is called: as our column, if one is of it."""
    ours = (one for one in suite.measures if one.published.get(number.metric) == 1.0)
    found = next(ours, None)
    return number.metric if found is None else found.heading.format(metric="accuracy")


def _named(number: Number) -> str:
    kind = "" if number.type is None else f" ({number.type})"
    note = "" if number.note is None else f" ({number.note})"
    return f"{number.method}{kind} {number.value:g}{note}"


def _reading(suite: Suite) -> Iterator[str]:
    yield " ".join([READING, *([GAP] if suite.paper else [])])
    yield "\n".join(
        f"- {measure.heading.format(metric='metric')}: {measure.reading}"
        for measure in suite.measures
    )


def _faults(suite: Suite) -> Iterator[str]:
    if suite.paper is None or suite.table is None:
        return
    if faults := published().faults(suite.paper, suite.table):
        yield "## Known faults of this table"
        yield "\n".join(f"- {fault}" for fault in faults)
