"""A comparison as Markdown, LaTeX, CSV and JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from hf_dynsel.compare.header import budget, headline, legend, missing, rule
from hf_dynsel.compare.results import Results
from hf_dynsel.compare.statistics import Difference
from hf_dynsel.compare.table import Line, charged_seconds, pairs, table
from hf_dynsel.report.markdown import markdown_table
from hf_dynsel.report.stage_table import stage_table

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "×": r"$\times$",
} | {mark: f"\\{mark}" for mark in "&%$#_{}"}


def markdown(results: Results) -> str:
    """Returns what was compared, a table and verdicts per budget, and how to read them."""
    parts = [headline(results), rule(results), missing(results)]
    for keep, lines in table(results).items():
        parts.append(f"## Keep {keep}: {budget(results, keep)}")
        parts.append(markdown_table([_cells(line, results) for line in lines]))
        said = [f"- {line.label}: {'; '.join(line.verdicts)}" for line in lines if line.verdicts]
        parts.append("\n".join(said))
        runs = {line.label: list(results.runs[keep][line.label].values()) for line in lines}
        parts += [f"### Keep {keep}: seconds by stage", stage_table(runs, results.setup.epochs)]
    parts += [legend(results), "\n".join(f"- {note}" for note in results.setup.notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def latex(results: Results) -> str:
    """Returns one tabular for the package booktabs, a part per budget."""
    found = table(results)
    rows = {keep: [_cells(line, results) for line in lines] for keep, lines in found.items()}
    names = list(next(iter(rows.values()))[0])
    lines = [f"% {headline(results)}", rf"\begin{{tabular}}{{l{'r' * (len(names) - 1)}}}"]
    lines += [r"\toprule", _tex_row(names)]
    for keep, arm in rows.items():
        title = escape(f"keep {keep}: {budget(results, keep)}")
        lines += [r"\midrule", rf"\multicolumn{{{len(names)}}}{{l}}{{{title}}} \\"]
        lines += [_tex_row(list(row.values())) for row in arm]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def escape(text: str) -> str:
    """Returns a text that LaTeX prints as it stands."""
    return "".join(_ESCAPED.get(mark, mark) for mark in text)


def summary_csv(results: Results) -> str:
    """Returns one row per method and budget."""
    lines = [line for arm in table(results).values() for line in arm]
    return csv_text([_flat(line) for line in lines])


def runs_csv(results: Results) -> str:
    """Returns one row per run."""
    rows = []
    for keep, arm in results.runs.items():
        for label, runs in arm.items():
            for seed, run in sorted(runs.items()):
                counts = {
                    "epochs": run.epochs,
                    "optimizer_steps": run.optimizer_steps,
                    "samples_trained": run.samples_trained,
                    "samples_forwarded": run.samples_forwarded,
                    "samples_swept": run.samples_swept,
                    "extra_seconds": run.overhead_seconds,
                    "total_seconds": charged_seconds(run),
                }
                known = {"keep": keep, "method": label, "seed": seed}
                rows.append(known | dict(run.eval) | counts)
    return csv_text(rows)


def as_json(results: Results) -> str:
    """Returns all numbers and verdicts."""
    rows = [
        asdict(line) | {"verdicts": line.verdicts}
        for arm in table(results).values()
        for line in arm
    ]
    content = {"headline": headline(results), "setup": asdict(results.setup), "rows": rows}
    return json.dumps(content, indent=2) + "\n"


def _cells(line: Line, results: Results) -> dict[str, str]:
    """Returns what a row shows, by column."""
    spread = "" if line.std is None else f" ± {100 * line.std:.2f}"
    name = results.setup.metric.replace("_", " ")
    runs = results.all_runs
    shown = {
        "method": line.label,
        "seeds": str(line.seeds),
        f"{name}, %": f"{100 * line.mean:.2f}{spread}",
        "to RS2": interval(line.to_rs2, line.asked),
        "to RS2 with own tail": interval(line.to_tail, line.asked),
        "epochs": f"{line.epochs:g}",
        "samples trained": f"{line.samples_trained:,.0f}",
        "forwarded": f"{line.samples_forwarded:,.0f}",
        "fewer samples": f"{line.fewer_samples:.2f}×",
        "looked at": f"{line.samples_swept:,.0f}",
        "extra, s": f"{line.extra_seconds:.1f}",
        "total, s": f"{line.total_seconds:.1f}",
    }
    if all(run.samples_forwarded == run.samples_trained for run in runs):
        del shown["forwarded"]
    if not any(run.samples_swept for run in runs):
        del shown["looked at"]
    if not any(results.setup.tails.values()):
        del shown["to RS2 with own tail"]
    return shown


def interval(found: Difference | None, asked: int, unit: float = 100) -> str:
    """Returns a difference with its interval.

    Args:
        found: the difference; None becomes a dash.
        asked: seeds there should be; where it is of fewer, it says of how many.
        unit: what one is shown as.
    """
    if found is None:
        return "-"
    said = [f"{unit * found.mean:+.2f}"]
    if found.low is not None and found.high is not None:
        said.append(f"[{unit * found.low:+.2f}, {unit * found.high:+.2f}]")
    return " ".join(filter(None, [*said, pairs(found, asked)]))


def _tex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"


def _flat(line: Line) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in asdict(line).items():
        if name in ("to_rs2", "to_tail"):
            for part in (f.name for f in fields(Difference)):
                row[f"{name}_{part}"] = None if value is None else value[part]
        else:
            row[name] = value
    return row | {"verdicts": "; ".join(line.verdicts)}


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns rows as CSV; what a row does not have is empty."""
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
