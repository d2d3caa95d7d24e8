"""The search over a selector's parameters, with a formula in place of training."""

import sys
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from hf_dynsel.compare import tune
from hf_dynsel.compare.cells import Cell
from hf_dynsel.compare.lock import alone
from hf_dynsel.compare.validation import Validated
from hf_dynsel.compare_section import comparison
from hf_dynsel.recipe import Recipe, RecipeError

SPACE = {
    "selector.penalty": {"low": 0, "high": 1},
    "selector.sharpness": {"low": 0.1, "high": 10.0, "log": True},
    "selector.quota": {"choices": ["equal", "none"]},
}


def formula(cell: Cell) -> Validated:
    """Best at a penalty of 0.25; a seed is worth a hundredth."""
    value = 1 - abs(cell.recipe.selector["penalty"] - 0.25) + 0.01 * cell.seed
    return Validated(value, 120, 2.0)


@pytest.fixture
def search(quickstart: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # noqa: ANN201
    """Returns a function that searches, and the cells that it measured."""
    cells: list[Cell] = []

    def run(trials=12, space=SPACE, measure=formula, place="a", changes=(), **section):  # noqa: ANN001, ANN003, ANN202
        def measured(cell: Cell) -> Validated:
            found = measure(cell)
            cells.append(cell)
            return found

        monkeypatch.setattr("hf_dynsel.compare.tuning.validate", measured)
        recipe = quickstart("dataset.train_size=80", *changes, folder=tmp_path / place)
        wanted = comparison({"seeds": [0, 1], **section}, recipe.selector)
        return tune(recipe, space, wanted, trials)

    return run, cells


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    storage = optuna.storages.JournalStorage(backend)
    (name,) = optuna.get_all_study_names(storage)
    study = optuna.load_study(study_name=name, storage=storage)
    return [trial for trial in study.trials if trial.user_attrs]


def test_the_best_trial_comes_first_with_the_mean_of_its_seeds(search) -> None:
    run, cells = search
    folder = run()
    best = max(cells[::2], key=lambda cell: formula(cell).value)
    lines = (folder / "trials.md").read_text().splitlines()
    penalty = best.recipe.selector["penalty"]
    assert (
        f"The best of 12 trials, by accuracy on the validation split: `selector.penalty={penalty}"
        in lines[0]
    )
    assert f"| {100 * (formula(best).value + 0.005):.2f} | 0.71 | 120 | 2.0 |" in lines[4]
    assert len((folder / "trials.csv").read_text().splitlines()) == 13


def test_values_stay_in_the_space_and_every_trial_has_the_same_budget(search) -> None:
    """RS2 at keep 0.3 takes 24 of 80 samples: a step in each of 4 epochs."""
    run, cells = search
    run(rule="equal_steps")
    assert len(cells) == 24
    for cell in cells:
        section = cell.recipe.selector
        assert 0 <= section["penalty"] <= 1
        assert 0.1 <= section["sharpness"] <= 10
        assert section["quota"] in ("equal", "none")
        assert (section["keep"], cell.recipe.trainer["max_steps"]) == (0.3, 4)
    assert {cell.seed for cell in cells} == {0, 1}


def test_integers_are_searched_as_integers(search) -> None:
    run, cells = search
    density = "selector={name: DensityConsistency, keep: 0.3, consistency: null, augment: false}"
    space = {
        "selector.neighbors": {"low": 2, "high": 9},
        "selector.weight": {"low": 0, "high": 1},
    }
    run(3, space, lambda cell: Validated(0.5, 1, 1.0), changes=[density])
    found = [cell.recipe.selector for cell in cells]
    assert all(isinstance(one["neighbors"], int) for one in found)
    assert all(isinstance(one["weight"], float) for one in found)


def test_a_search_that_was_interrupted_ends_as_if_it_had_not_been(search) -> None:
    run, cells = search
    whole = trials(run(12, place="whole"))
    del cells[:]

    def interrupted(cell: Cell) -> Validated:
        if len(cells) == 9:
            raise KeyboardInterrupt
        return formula(cell)

    with pytest.raises(KeyboardInterrupt):
        run(12, measure=interrupted, place="cut")
    resumed = trials(run(12, place="cut"))
    assert [trial.params for trial in resumed] == [trial.params for trial in whole]
    assert [trial.value for trial in resumed] == [trial.value for trial in whole]


def test_more_trials_add_to_those_there_are(search) -> None:
    run, cells = search
    run(3)
    run(5)
    assert len(cells) == 10


def test_trials_differ_from_the_first(search) -> None:
    run, cells = search
    run(6)
    assert len({cell.recipe.selector["penalty"] for cell in cells}) == 6


def test_a_trial_that_fails_is_kept_with_its_error_and_stops_no_other(search) -> None:
    run, _ = search

    def measure(cell: Cell) -> Validated:
        if cell.recipe.selector["quota"] == "none":
            raise ValueError("no such quota")
        return formula(cell)

    folder = run(8, measure=measure)
    lines = (folder / "trials.md").read_text().splitlines()
    assert len(lines) == 4 + 8
    assert "selector.quota=equal" in lines[0]
    assert lines[-1].endswith("| - | - | - | - | ValueError: no such quota |")


def test_the_best_is_written_as_the_command_line_takes_it(search) -> None:
    run, _ = search
    folder = run(1, {"selector.alpha": {"choices": [None]}}, lambda cell: Validated(0.5, 1, 1.0))
    assert "`selector.alpha=null`" in (folder / "trials.md").read_text()


def test_if_all_trials_fail_the_error_is_shown(search) -> None:
    run, _ = search

    def measure(cell: Cell) -> Validated:
        raise ValueError("never")

    with pytest.raises(ValueError, match="all trials failed:\n  ValueError: never"):
        run(2, measure=measure)


def test_another_space_is_another_search(search) -> None:
    run, cells = search
    run(2)
    run(2, {"selector.penalty": {"low": 0, "high": 0.5}})
    assert len(cells) == 8


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (
            {"selector.refine": {"low": 0, "high": 2}},
            "tune.selector.refine, at 2: selector: refine",
        ),
        ({"selector.diversity": {"choices": ["density"]}}, "diversity, at density: selector: "),
    ],
)
def test_ends_that_the_selector_refuses_are_found_first(search, space, said: str) -> None:
    run, cells = search
    with pytest.raises(RecipeError) as refused:
        run(space=space)
    assert said in str(refused.value)
    assert cells == []


def test_a_trial_that_the_rule_cannot_match_fails(search) -> None:
    """With a refine of 0.99, all epochs train on the whole pool, and none selects."""
    run, cells = search
    space = {"selector.refine": {"choices": [0.15, 0.99]}}
    folder = run(6, space, lambda cell: Validated(0.5, 1, 1.0), rule="equal_steps")
    text = (folder / "trials.md").read_text()
    assert {cell.recipe.selector["refine"] for cell in cells} <= {0.15}
    assert (
        "ValueError: equal_steps leaves RepDiv no epoch that selects, only 2 on the whole pool"
        in text
    )


def test_other_data_are_another_search(search, monkeypatch) -> None:
    run, cells = search
    run(2)
    monkeypatch.setattr("hf_dynsel.compare.origins.library_version", lambda: "9")
    run(2)
    assert len(cells) == 8


def test_only_one_search_runs_in_a_folder(search, tmp_path: Path) -> None:
    run, cells = search
    with alone(tmp_path / "a" / "tune"), pytest.raises(ValueError, match="another process trains"):
        run(2)
    assert cells == []


def test_seconds_are_no_budget_for_a_search(search) -> None:
    run, cells = search
    with pytest.raises(ValueError, match="tune by equal_epochs, equal_steps or equal_samples"):
        run(rule="equal_seconds")
    with pytest.raises(ValueError, match="a search needs at least 1 trial, got 0"):
        run(0)
    assert cells == []


def test_without_optuna_the_error_names_the_extra(search, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"pip install 'hf-dynsel\[tune\]'"):
        search[0]()


def test_a_search_that_trains(quickstart, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path / "cache"))
    recipe = quickstart("trainer.num_train_epochs=1", folder=tmp_path)
    space = {"selector.penalty": {"low": 0, "high": 1}}
    folder = tune(recipe, space, comparison({"seeds": [0]}, recipe.selector), 2)
    assert folder == tmp_path / "tune"
    assert (folder / "trials.md").is_file()
    assert not list(folder.rglob("summary.json"))
