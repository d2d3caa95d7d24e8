"""Plans a recipe without a model: steps, samples, saving, use and memory of its selection."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from hf_dynsel.core import Pool
from hf_dynsel.ledger import Ledger
from hf_dynsel.pool import PREFIX, pool_of
from hf_dynsel.recipe import Recipe
from hf_dynsel.simulate import Plan, plan
from hf_dynsel.stages import load_data, score


@dataclass(frozen=True)
class MadeUp:
    """The size of a pool with made-up scores, for planning before there is data.

    Args:
        rows: samples.
        classes: equally large classes.
    """

    rows: int
    classes: int


def plan_recipe(recipe: Recipe, made_up: MadeUp | None = None) -> Plan:
    """Returns the plan of a recipe's selection.

    Scores come from, in this order: `made_up`; the folder that `scores.from` names, without
    loading the data; the data, scored if it was not yet.

    Raises:
        ValueError: if the selector learns from training, which a plan does not do.
    """
    selector = recipe.build_selector()
    arguments = recipe.build_arguments()
    batch = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
    epochs = int(np.ceil(arguments.num_train_epochs))
    return plan(selector, _pool(recipe, made_up), epochs, batch)


def _pool(recipe: Recipe, made_up: MadeUp | None) -> Pool:
    if made_up is not None:
        return _made_up_pool(made_up, recipe)
    if recipe.scores and "from" in recipe.scores:
        return read_pool(Path(recipe.scores["from"]))
    return pool_of(score(recipe, load_data(recipe)["train"], Ledger())[0])


def read_pool(folder: Path) -> Pool:
    """Returns the scores and labels of a folder that `save_scores` wrote, without the data."""
    table = pq.read_table(folder / "scores.parquet")
    columns = {name: table[name].to_numpy() for name in table.column_names}
    scores = {n.removeprefix(PREFIX): c for n, c in columns.items() if n.startswith(PREFIX)}
    others = [name for name in columns if name != "index" and not name.startswith(PREFIX)]
    return Pool(table.num_rows, scores, columns[others[0]].astype(np.int64) if others else None)


def _made_up_pool(size: MadeUp, recipe: Recipe) -> Pool:
    """Scores drawn from a gamma distribution, whose long tail is like that of real ones."""
    if not 1 <= size.classes <= size.rows:
        raise ValueError(
            f"{size.rows} rows cannot be in {size.classes} classes; give from 1 to {size.rows}"
        )
    rng = np.random.default_rng((recipe.seed, 7))
    fields = recipe.build_selector().config()
    named = [fields[key] for key in ("representativeness", "diversity", "score") if fields.get(key)]
    scores = {}
    for name in named:
        values = rng.gamma(4.0, size=size.rows).astype(np.float32)
        scores[name] = (values - values.min()) / (values.max() - values.min())
    return Pool(size.rows, scores, np.arange(size.rows) % size.classes)
