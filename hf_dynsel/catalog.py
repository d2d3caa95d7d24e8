"""Lists what a recipe can name, with what each method needs and what it was measured to cost."""

import inspect
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from hf_dynsel import data, features, scores, selectors, yaml_files
from hf_dynsel.core import Selector
from hf_dynsel.features import Backbone
from hf_dynsel.scores import Score, TrainingScore
from hf_dynsel.section_checks import exported
from hf_dynsel.selectors.static_subset import StaticSubset

COSTS = "costs.json"


def recorded_costs() -> dict[str, Any]:
    """Returns what `hf-dynsel bench selectors` measured when this version was made."""
    found: dict[str, Any] = json.loads(files("hf_dynsel").joinpath(COSTS).read_text("utf-8"))
    return found


def costs_line() -> str:
    """Returns a sentence on what the costs are of."""
    found = recorded_costs()
    machine = found["environment"]
    return (
        f"Costs: seconds of the longest of three selections at keep {found['keep']}, and memory "
        f"beside the data, of so many samples with features of {found['width']} numbers; neither "
        f"forward passes nor training. {machine['cpu']}, {machine['torch_threads']} thread, load "
        f"{found['load average before']:.1f} before; ~ is extrapolated. "
        "Measure again with `hf-dynsel bench selectors`."
    )


def selector_rows() -> list[dict[str, str]]:
    """Returns one row per selector: what it needs, how often it selects, and its costs."""
    measured = recorded_costs()["costs"]
    return [
        {
            "selector": name,
            "reads": ", ".join(sorted(kind().reads())) or "-",
            "signals": ", ".join(sorted(kind.signals)) or "-",
            "selects": _cadence(kind),
            **costs(measured.get(name, [])),
            "what": _what(kind),
        }
        for name, kind in exported(selectors, Selector).items()
    ]


def score_rows() -> list[dict[str, str]]:
    """Returns one row per score that is computed of columns."""
    measured = recorded_costs()["costs"]
    return [
        {
            "score": name,
            "reads": ", ".join(kind.columns),
            **costs(measured.get(name, [])),
            "what": _what(kind),
        }
        for name, kind in exported(scores, Score).items()
    ]


def training_score_rows() -> list[dict[str, str]]:
    """Returns one row per score that is collected of a training, which is what it costs."""
    return [
        {"score of a proxy": name, "what": _what(kind)}
        for name, kind in exported(scores, TrainingScore).items()
    ]


def backbone_rows() -> list[dict[str, str]]:
    """Returns one row per encoder."""
    return [
        {"backbone": n, "what": _what(kind)} for n, kind in exported(features, Backbone).items()
    ]


def loader_rows() -> list[dict[str, str]]:
    """Returns one row per data loader."""
    return [{"loader": name, "what": _what(load)} for name, load in data.LOADERS.items()]


def recipe_rows(folder: Path) -> list[dict[str, str]]:
    """Returns one row per recipe in a folder and in those below it."""
    return [
        {
            "recipe": str(path),
            "data": str(recipe["dataset"]["loader"]),
            "selector": str(recipe["selector"]["name"]),
            "keep": str(recipe["selector"].get("keep", "")),
        }
        for path, recipe in _files(folder, "selector")
    ]


def suite_rows(folder: Path) -> list[dict[str, str]]:
    """Returns one row per suite, several comparisons in one table, in a folder and below it."""
    return [
        {"suite": str(path), "members": str(len(suite["members"])), "what": str(suite["title"])}
        for path, suite in _files(folder, "suite")
    ]


def _files(folder: Path, key: str) -> list[tuple[Path, Any]]:
    """Returns the YAML files that have a key at their top level, and their content."""
    found = [(path, yaml_files.read(path)) for path in sorted(folder.rglob("*.yaml"))]
    return [(path, rows) for path, rows in found if isinstance(rows, Mapping) and key in rows]


def table(rows: list[dict[str, str]]) -> str:
    """Returns rows as aligned text."""
    if not rows:
        return "(none)"
    names = list(rows[0])
    widths = {n: max(len(n), *(len(row[n]) for row in rows)) for n in names}
    lines = [dict(zip(names, names, strict=True)), *rows]
    return "\n".join("  ".join(line[n].ljust(widths[n]) for n in names).rstrip() for line in lines)


def costs(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Returns seconds of the longest selection and memory beside the data, by number of samples."""
    return {f"{row['rows']:,}": _cost(row) for row in rows}


def _cost(row: Mapping[str, Any]) -> str:
    if row.get("refused"):
        return "refused"
    if row.get("first, s") is None:
        return "not measured"
    if row["extrapolated"]:
        return f"~{_seconds(row['first, s'])}"
    return f"{_seconds(row['first, s'])}, {_memory(max(row['memory, MiB'], 0))}"


def _seconds(value: float) -> str:
    if value < 1:
        return f"{1000 * value:.0f} ms"
    return f"{value:.0f} s" if value < 3600 else f"{value / 3600:.0f} h"


def _memory(mib: float) -> str:
    return f"{mib:.0f} MiB" if mib < 1024 else f"{mib / 1024:.1f} GiB"


def _cadence(kind: type[Selector]) -> str:
    if kind.weigh is not Selector.weigh:
        return "every batch"
    if kind.sweep is not Selector.sweep:
        return "every epoch, after a look"
    return "once" if issubclass(kind, StaticSubset) else "every epoch"


def _what(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]
