"""Plans a recipe without a model: steps, samples, saving, use and memory of its selection."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from hf_dynsel.core import Pool
from hf_dynsel.ledger import Ledger
from hf_dynsel.made_up import made_up_columns, made_up_pool
from hf_dynsel.pool import PREFIX
from hf_dynsel.proxy import is_collected
from hf_dynsel.recipe import Recipe
from hf_dynsel.recipe_sections import scores_read
from hf_dynsel.run_length import plan_length
from hf_dynsel.scores import ScoreTable, load_scores
from hf_dynsel.simulate import Choice, Plan, plan
from hf_dynsel.stages import load_data, score
from hf_dynsel.steps import StepCounter


@dataclass(frozen=True)
class MadeUp:
    """The size of a pool with made-up scores, for planning before there is data.

    Args:
        rows: samples.
        classes: equally large classes.
    """

    rows: int
    classes: int

    @property
    def labels(self) -> Int[np.ndarray, " n"]:
        """The class of each sample.

        Raises:
            ValueError: if there are more classes than samples.
        """
        if not 1 <= self.classes <= self.rows:
            raise ValueError(
                f"{self.rows} rows cannot be in {self.classes} classes; give from 1 to {self.rows}"
            )
        labels: Int[np.ndarray, " n"] = np.arange(self.rows) % self.classes
        return labels


def plan_recipe(recipe: Recipe, made_up: MadeUp | None = None) -> Plan:
    """Returns the plan of a recipe's selection, its steps counted as the trainer counts them.

    Samples are those of whole epochs, also of a last one that the trainer cuts.

    Scores come from, in this order: `made_up`; the folder that `scores.from` names, without
    loading the data; the data, scored if it was not yet.

    Raises:
        ValueError: if the selector learns from training, which a plan does not do.
    """
    selector, pool = recipe.build_selector(), _pool(recipe, made_up)
    args = recipe.build_arguments()
    counter = StepCounter(
        args.train_batch_size,
        args.world_size,
        args.gradient_accumulation_steps,
        args.dataloader_drop_last,
    )
    length = plan_length(selector, pool, counter, args)
    found = plan(selector, pool, length.num_epochs, counter.batch_size)
    steps = sum(length.updates(e, size) for e, size in enumerate(found.samples_per_epoch))
    return replace(found, optimizer_steps=min(steps, length.max_steps or steps))


def describe(found: Plan, rows: int) -> str:
    """Returns a plan as lines of text."""
    lines = {
        "epochs": f"{len(found.samples_per_epoch)}",
        "samples": f"{found.samples_trained:,} of {found.samples_full:,}, {found.saving:.2f} times "
        "fewer",
        "samples per epoch": f"{min(found.samples_per_epoch):,} to "
        f"{max(found.samples_per_epoch):,} of {rows:,}",
        "optimizer steps": f"{found.optimizer_steps:,}",
        "looked at": f"{found.samples_swept:,} samples, in forward passes alone",
        **_choice_lines(found.choice),
        "memory": f"{found.state_bytes / 2**20:.1f} MiB of state"
        + (
            f", and {found.choice.peak_bytes / 2**20:.1f} MiB more while selecting"
            if found.choice
            else ""
        ),
    }
    width = max(map(len, lines))
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in lines.items())


def _choice_lines(choice: Choice | None) -> dict[str, str]:
    if choice is None:
        return {"use": "which samples are used depends on the features that training makes"}
    return {
        "never used": f"{choice.never_used:.2%} of the samples",
        "use": f"Gini {choice.gini:.3f}, at most {choice.most_used} epochs for one sample",
        "overlap": "-"
        if choice.overlap is None
        else f"{choice.overlap:.1%} of an epoch was in the one before",
        "selection": f"{choice.seconds_select:.2f} s over all epochs, on this machine",
    }


def _pool(recipe: Recipe, made_up: MadeUp | None) -> Pool:
    if made_up is not None:
        return _made_up_pool(made_up, recipe)
    selector = recipe.build_selector()
    if recipe.scores and "from" in recipe.scores and not recipe.proxy:
        table = load_scores(recipe.scores["from"], recipe.scores.get("revision"))
        return replace(pool_of_scores(table), columns=made_up_columns(selector, len(table)))
    train = load_data(recipe)["train"]
    if recipe.proxy and not is_collected(recipe, train):
        raise ValueError(
            "the plan needs what proxies give, and they are not trained yet: `hf-dynsel score` "
            "trains them, and `--rows` plans for made-up scores"
        )
    return score(recipe, train, Ledger()).pool()


def pool_of_scores(scores: ScoreTable) -> Pool:
    """Returns the scores and labels of a table, without the data."""
    named = {n.removeprefix(PREFIX): scores.rows[n].to_numpy() for n in scores.columns}
    labels = [scores.rows[name].to_numpy() for name in scores.labels]
    return Pool(
        len(scores), named, np.unique(labels[0], return_inverse=True)[1] if labels else None
    )


def _made_up_pool(size: MadeUp, recipe: Recipe) -> Pool:
    """Scores drawn from a gamma distribution, whose long tail is like that of real ones."""
    labels = size.labels
    rng = np.random.default_rng((recipe.seed, 7))
    selector = recipe.build_selector()
    named = scores_read(selector.config())
    scores = {}
    for name in named:
        values = rng.gamma(4.0, size=size.rows).astype(np.float32)
        scores[name] = (values - values.min()) / (values.max() - values.min())
    return made_up_pool(selector, labels, scores)
