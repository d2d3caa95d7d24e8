"""Searches the parameters of a selector: the same budget for each trial, seeds averaged."""

import logging
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_dynsel.compare.lock import alone
from hf_dynsel.compare.search import Search, Space, search_of
from hf_dynsel.compare.trials import ERROR, RUNS, ended, write_trials
from hf_dynsel.compare.validation import validate
from hf_dynsel.compare_section import Comparison
from hf_dynsel.extras import require
from hf_dynsel.recipe import Recipe

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import TPESampler

logger = logging.getLogger(__name__)

JOURNAL = "journal.log"  # a line of JSON per event


def tune(recipe: Recipe, space: Space, wanted: Comparison, trials: int) -> Path:
    """Returns the folder with the table of trials, after so many of them in all.

    Values are those of the validation split. A search that was interrupted goes on where it
    stopped, to the same end.

    Args:
        recipe: of the runs; its selector is tuned, at its `keep`.
        space: the section `tune`.
        wanted: rule and seeds.
        trials: how many, those of earlier calls included.

    Raises:
        RecipeError: if the selector cannot be run as it stands, or at an end of the space.
        ValueError: if the rule is equal_seconds, there is only the test split to choose on, another
            search runs in the folder, or no trial succeeds.
        ImportError: if optuna is not installed.
    """
    require("optuna", "tune")
    if trials < 1:
        raise ValueError(f"a search needs at least 1 trial, got {trials}")
    search = search_of(recipe, space, wanted)
    folder = search.source.root
    with alone(folder):
        study = _study(folder, search)
        while (number := len(ended(study))) < trials:
            logger.info("tune: trial %d of %d", number + 1, trials)
            study.sampler = _sampler(recipe.seed, number)
            _try(study, search)
        write_trials(folder, study, recipe.metrics[0])
    return folder


def _study(folder: Path, search: Search) -> "Study":
    optuna = require("optuna", "tune")
    journal = require("optuna.storages.journal", "tune")
    study: Study = optuna.create_study(
        storage=optuna.storages.JournalStorage(journal.JournalFileBackend(str(folder / JOURNAL))),
        study_name=search.name,
        direction="maximize",
        load_if_exists=True,
    )
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # it was interrupted
    return study


def _sampler(seed: int, number: int) -> "TPESampler":
    """Returns the sampler of one trial: a search that goes on draws what it would have drawn."""
    sampler: TPESampler = require("optuna.samplers", "tune").TPESampler(
        seed=int(np.random.default_rng((seed, number)).integers(2**32))
    )
    return sampler


def _try(study: "Study", search: Search) -> None:
    """Runs one trial; one that fails is kept with its error."""
    failed: Any = require("optuna.trial", "tune").TrialState.FAIL
    trial = study.ask()
    section = search.suggest(trial)
    try:
        found = [validate(cell) for cell in search.cells(section)]
    except Exception as error:  # what one trial dies of, the others may not
        logger.exception("tune: %s failed", section)
        trial.set_user_attr(ERROR, f"{type(error).__name__}: {error}")
        study.tell(trial, state=failed)
        return
    trial.set_user_attr(RUNS, [asdict(run) for run in found])
    study.tell(trial, fmean(run.value for run in found))
