"""The tables of a suite, ours beside the paper's: one per measure compared, and one of costs."""

from collections.abc import Iterator, Mapping, Sequence

from hf_dynsel.compare.formats import interval
from hf_dynsel.published import Number
from hf_dynsel.report.markdown import markdown_table
from hf_dynsel.suite.drops import Drop
from hf_dynsel.suite.entries import Entry
from hf_dynsel.suite.measures import Measure

MARK = "†"  # behind a published number that is explained below the table
Entries = Sequence[Entry]


def compared_table(entries: Entries, measure: Measure, metric: str, asked: int) -> str:
    """Returns a measure of all methods, with its differences to RS2, full data and the paper.

    Args:
        entries: of one measure and budget.
        measure: of the entries.
        metric: its name in words.
        asked: seeds there should be.
    """
    beside = any(entry.paper is not None for entry in entries)
    rows = [_compared(entry, measure, metric, asked, beside) for entry in entries]
    return "\n\n".join(filter(None, [markdown_table(rows), _footnotes(entries)]))


def cost_table(columns: Mapping[str, Entries], measures: Sequence[Measure]) -> str:
    """Returns costs of all methods, each beside the paper's where it prints one.

    Args:
        columns: entries of one budget by name of the measure; the first orders the methods.
        measures: what they are of.
    """
    rows: dict[str, dict[str, str]] = {}
    for measure in measures:
        column = columns[measure.name]
        beside = any(entry.paper is not None for entry in column)
        for entry in column:
            row = rows.setdefault(entry.method, {"method": entry.method, "seeds": str(entry.runs)})
            row[measure.heading] = _mean(entry, measure)
            if beside:
                row[f"paper, {measure.heading}"] = _paper(entry, measure)
    shown = [entry for measure in measures for entry in columns[measure.name]]
    return "\n\n".join(filter(None, [markdown_table(list(rows.values())), _footnotes(shown)]))


def drop_table(rows: Sequence[Drop], names: Sequence[str], measure: Measure, metric: str) -> str:
    """Returns what each method loses from one member to the other.

    Args:
        rows: of one budget.
        names: of the two members.
        measure: what is lost.
        metric: its name in words.
    """
    beside = any(row.paper is not None for row in rows)
    heading = measure.heading.format(metric=metric)
    cells = []
    for row in rows:
        shown = {
            "method": row.method,
            "seeds": str(row.drop.seeds),
            f"{names[0]}: {heading}": measure.show(row.first),
            f"{names[1]}: {heading}": measure.show(row.second),
            "drop": interval(row.drop, row.drop.seeds, 1),
        }
        if beside:
            shown["paper, drop"] = "-" if row.paper is None else f"{row.paper:+.2f}"
        cells.append(shown)
    return markdown_table(cells)


def _compared(
    entry: Entry, measure: Measure, metric: str, asked: int, beside: bool
) -> dict[str, str]:
    row = {
        "method": entry.method,
        "seeds": str(entry.runs),
        measure.heading.format(metric=metric): _mean(entry, measure),
        "to RS2": interval(entry.to_rs2, asked, 1),
        "to full data": interval(entry.to_full, asked, 1),
    }
    if not beside:
        return row
    known = entry.paper_to_full
    return row | {
        "paper, %": _paper(entry, measure),
        "paper, to full data": "-" if known is None else f"{known:+.2f}",
        "gap": interval(entry.gap, asked, 1),
    }


def _mean(entry: Entry, measure: Measure) -> str:
    """Returns the mean and its spread, and of how many runs it is where not all have a value."""
    if entry.mean is None:
        return "-"
    spread = "" if entry.std is None else f" ± {measure.show(entry.std)}"
    part = f" (of {entry.seeds} of {entry.runs})" if entry.seeds < entry.runs else ""
    return f"{measure.show(entry.mean)}{spread}{part}"


def _paper(entry: Entry, measure: Measure) -> str:
    if entry.paper is None or entry.number is None:
        return "-"
    unit = measure.published[entry.number.metric]
    spread = "" if entry.number.pm is None else f" ± {unit * entry.number.pm:,.6g}"
    mark = f" {MARK}" if _remarks(entry.number) else ""
    return f"{entry.paper:,.6g}{measure.suffix}{spread}{mark}"


def _remarks(number: Number) -> list[str]:
    """Returns what a reader must know of a published number."""
    found = [] if number.note is None else [number.note]
    if number.delta_vs_printed_full is not None:
        printed, true = number.printed_delta, number.delta_vs_printed_full
        found.append(
            f"the paper prints {printed:+.1f} to full data, and its values say {true:+.1f}"
        )
    return found


def _footnotes(entries: Entries) -> str:
    return "\n".join(dict.fromkeys(_footnote(entries)))


def _footnote(entries: Entries) -> Iterator[str]:
    for entry in entries:
        if entry.number is not None:
            for remark in _remarks(entry.number):
                yield f"- {MARK} {entry.method}, {entry.number.value:g}: {remark}."
