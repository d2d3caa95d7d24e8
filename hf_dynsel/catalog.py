"""Lists what a recipe can name, with what each selector needs and costs, measured here and now."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np

from hf_dynsel import data, features, scores, selectors, yaml_files
from hf_dynsel.core import Pool, Selector
from hf_dynsel.features import Backbone
from hf_dynsel.recipe_sections import exported
from hf_dynsel.scores import Score
from hf_dynsel.simulate import Plan, plan

ROWS, CLASSES, EPOCHS = 100_000, 10, 4


def selector_rows() -> list[dict[str, str]]:
    """Returns one row per selector: signals, cadence, and its cost on 100,000 samples."""
    rng = np.random.default_rng(0)
    rows = []
    for name, kind in exported(selectors, Selector).items():
        selector = kind()
        used = [v for v in selector.config().values() if isinstance(v, str)]
        columns = {column: rng.random(ROWS, np.float32) for column in used}
        pool = Pool(ROWS, columns, np.arange(ROWS) % CLASSES)
        signals = {n: rng.random(ROWS, np.float32) for n in kind.signals}
        cost = plan(
            selector,
            pool,
            EPOCHS,
            batch_size=128,
            learner=lambda _, chosen, given=signals: {n: v[chosen] for n, v in given.items()},
        )
        rows.append(
            {
                "selector": name,
                "signals": ", ".join(sorted(kind.signals)) or "none",
                "cadence": _cadence(kind, cost),
                "ms per epoch": f"{1000 * cost.seconds_select / EPOCHS:.1f}",
                "state, bytes per sample": f"{cost.state_bytes / ROWS:.0f}",
                "what": _what(kind),
            }
        )
    return rows


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


def _cadence(kind: type[Selector], cost: Plan) -> str:
    if kind.weigh is not Selector.weigh:
        return "every batch"
    return "once" if cost.overlap == 1 else "every epoch"


def _what(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]
