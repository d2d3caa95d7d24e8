"""Lists what a recipe can name, with what each selector needs and costs, measured here and now."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np

from hf_dynsel import data, features, scores, selectors, yaml_files
from hf_dynsel.core import Pool, Selector
from hf_dynsel.features import Backbone
from hf_dynsel.scores import Score
from hf_dynsel.section_checks import exported
from hf_dynsel.simulate import Choice, plan

ROWS, CLASSES, EPOCHS = 100_000, 10, 4
ROWS_LOOKED_AT, WIDTH = 10_000, 32  # a look at more, and its search for neighbours, takes minutes


def selector_rows() -> list[dict[str, str]]:
    """Returns one row per selector: signals, cadence, and its cost on 100,000 samples.

    For selectors that look at the whole pool the cost is that on 10,000 samples with features of
    32 numbers, search for neighbours included and forward passes left out.
    """
    return [_row(name, kind) for name, kind in exported(selectors, Selector).items()]


def _row(name: str, kind: type[Selector]) -> dict[str, str]:
    selector = kind()
    looks = kind.sweep is not Selector.sweep
    rows = ROWS_LOOKED_AT if looks else ROWS
    rng = np.random.default_rng(0)
    used = [value for value in selector.config().values() if isinstance(value, str)]
    columns = {column: rng.random(rows, np.float32) for column in used}
    pool = Pool(rows, columns, np.arange(rows) % CLASSES)
    signals = {signal: rng.random(rows, np.float32) for signal in kind.signals}
    if looks:
        signals["features"] = rng.normal(size=(rows, WIDTH)).astype(np.float32)
    cost = plan(
        selector,
        pool,
        EPOCHS,
        batch_size=128,
        learner=lambda _, chosen: {n: values[chosen] for n, values in signals.items()},
    )
    assert cost.choice is not None, "it was given signals"
    milliseconds = f"{1000 * cost.choice.seconds_select / EPOCHS:.1f}"
    return {
        "selector": name,
        "signals": ", ".join(sorted(signals)) or "none",
        "cadence": _cadence(kind, cost.choice),
        "ms per epoch": f"{milliseconds} (10,000)" if looks else milliseconds,
        "state, bytes per sample": f"{cost.state_bytes / rows:.0f}",
        "what": _what(kind),
    }


def score_rows() -> list[dict[str, str]]:
    """Returns one row per score: the columns it reads and what it is."""
    return [
        {"score": name, "reads": ", ".join(kind.columns), "what": _what(kind)}
        for name, kind in exported(scores, Score).items()
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
    """Returns one row per recipe below a folder."""
    rows = []
    for path in sorted(folder.rglob("*.yaml")):
        recipe = yaml_files.read(path)
        rows.append(
            {
                "recipe": str(path),
                "data": str(recipe["dataset"]["loader"]),
                "selector": str(recipe["selector"]["name"]),
                "keep": str(recipe["selector"].get("keep", "")),
            }
        )
    return rows


def table(rows: list[dict[str, str]]) -> str:
    """Returns rows as aligned text."""
    if not rows:
        return "(none)"
    names = list(rows[0])
    widths = {n: max(len(n), *(len(row[n]) for row in rows)) for n in names}
    lines = [dict(zip(names, names, strict=True)), *rows]
    return "\n".join("  ".join(line[n].ljust(widths[n]) for n in names).rstrip() for line in lines)


def _cadence(kind: type[Selector], choice: Choice) -> str:
    if kind.weigh is not Selector.weigh:
        return "every batch"
    if kind.sweep is not Selector.sweep:
        return "every epoch, after a look"
    return "once" if choice.overlap == 1 else "every epoch"


def _what(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]
