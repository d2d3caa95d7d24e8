"""Whole comparisons: planned, run and written; most with made-up runs, one that trains."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import DatasetDict

from compare_kit import summary
from hf_dynsel.cli import main
from hf_dynsel.compare import Compared, compare, launch, render
from hf_dynsel.compare.lock import alone
from hf_dynsel.compare_section import comparison
from hf_dynsel.recipe import Recipe
from hf_dynsel.stages import load_data

METHODS = {"RepDiv": {"name": "RepDiv"}, "Slow": {"name": "StaticRandom"}}
RAN: dict[str, dict[str, float]] = {
    # Seconds of a run of 4 epochs: RS2 takes 8, RepDiv 2 once and then 2 per epoch.
    "DynamicRandom": {"train": 8.0},
    "FullData": {"train": 24.0},
    "RepDiv": {"scores": 2.0, "train": 8.0},
    "StaticRandom": {"proxy": 9.0, "train": 4.0},
}


@pytest.fixture
def experiment(quickstart: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # noqa: ANN201
    """Returns a function that compares with made-up runs, and the runs that it made up."""
    ran: list[Recipe] = []
    took = dict(RAN)

    def run(recipe: Recipe, *, report: bool, resume: bool) -> None:
        name = recipe.selector["name"]
        if name in failing:
            raise RuntimeError(f"{name} cannot")
        epochs = int(recipe.trainer["num_train_epochs"])
        seconds = {
            k: v if k in ("scores", "proxy") else v * epochs / 4 for k, v in took[name].items()
        }
        content = summary(name, recipe.seed, 0.5 + 0.01 * recipe.seed, seconds=seconds)
        keep = recipe.selector.get("keep")
        content |= {
            "recipe": recipe.name,
            "keep": keep,
            "epochs": epochs,
            "samples_full": 100 * epochs,
        }
        (recipe.folder / "recipe.yaml").write_text(dump(recipe))
        (recipe.folder / "summary.json").write_text(json.dumps(content))
        ran.append(recipe)

    failing: set[str] = set()

    def made(
        rule: str = "equal_epochs", changes: Any = (), spent: Any = None, **section: Any
    ) -> Compared:
        recipe = quickstart(*changes, folder=tmp_path)
        took.update(spent or {})
        asked = {"rule": rule, "seeds": [0, 1], "methods": METHODS, **section}
        return compare(recipe, comparison(asked, recipe.selector))

    monkeypatch.setattr(launch, "run", run)
    monkeypatch.setattr("hf_dynsel.compare.write.pictures", lambda results: {})
    return made, ran, failing


def dump(recipe: Recipe) -> str:
    from hf_dynsel import yaml_files

    return yaml_files.dump(recipe.plain())


def labels(ran: list[Recipe]) -> list[str]:
    return [f"{recipe.folder.parent.name} {recipe.seed}" for recipe in ran]


def test_every_method_runs_with_every_seed_and_full_data_once_for_all_budgets(experiment) -> None:
    made, ran, _ = experiment
    found = made(keeps=[0.3, 0.7], seeds=[0])
    once = ["RS2 0", "RS2+tail-0-1 0", "RepDiv 0", "Slow 0"]
    assert sorted(labels(ran)) == sorted(["FullData 0", *once, *once])
    assert found.failed == {}
    for keep in (0.3, 0.7):
        assert (found.folder / f"results/keep-{keep}/FullData/seed-0.json").is_file()


def test_a_second_comparison_runs_nothing(experiment) -> None:
    made, ran, _ = experiment
    text = (made().folder / "comparison.md").read_text()
    del ran[:]
    assert (made().folder / "comparison.md").read_text() == text
    assert ran == []


def test_a_method_that_changed_is_run_again_alone(experiment) -> None:
    made, ran, _ = experiment
    made()
    del ran[:]
    made(methods=METHODS | {"RepDiv": {"name": "RepDiv", "penalty": 0.9}})
    assert labels(ran) == ["RepDiv 0", "RepDiv 1"]


def test_one_more_seed_runs_that_seed_alone(experiment) -> None:
    made, ran, _ = experiment
    made()
    del ran[:]
    made(seeds=[0, 1, 2])
    assert {label.split()[1] for label in labels(ran)} == {"2"}


def test_what_fails_is_listed_and_stops_no_other(experiment) -> None:
    made, _, failing = experiment
    failing.add("StaticRandom")
    found = made()
    assert found.failed == {
        f"Slow, keep 0.3, seed {seed}": "RuntimeError: StaticRandom cannot" for seed in (0, 1)
    }
    text = (found.folder / "comparison.md").read_text()
    assert "- Slow, keep 0.3, seed 1 failed: RuntimeError: StaticRandom cannot\n" in text
    assert "| RepDiv | 2 |" in text


def test_changed_data_is_trained_on_again(experiment, monkeypatch) -> None:
    made, ran, _ = experiment
    made(seeds=[0])
    count = len(ran)
    monkeypatch.setattr("hf_dynsel.compare.origins.fingerprint", lambda split: "changed")
    made(seeds=[0])
    assert sorted(labels(ran[count:])) == sorted(labels(ran[:count]))


def test_data_is_loaded_once_unless_seeds_draw_it(experiment, monkeypatch) -> None:
    made, _, _ = experiment
    seen: list[int] = []

    def load(recipe: Recipe) -> DatasetDict:
        seen.append(recipe.seed)
        return load_data(recipe)

    for module in ("experiment", "origins"):
        monkeypatch.setattr(f"hf_dynsel.compare.{module}.load_data", load)
    made(changes=["dataset.subset_seed=0"])
    assert seen == [0]
    made()
    assert seen == [0, 0, 1]


def test_two_comparisons_do_not_train_in_one_folder(experiment, tmp_path) -> None:
    made, ran, _ = experiment
    with alone(tmp_path / "compare"), pytest.raises(ValueError, match="another process trains in"):
        made()
    assert ran == []


def test_what_would_never_select_in_the_seconds_there_are_is_left_out(experiment) -> None:
    """Of 8 s, 5 s of scores leave room for one epoch, which RepDiv refines in."""
    made, _, _ = experiment
    found = made("equal_seconds", spent={"RepDiv": {"scores": 5.0, "train": 10.0}})
    text = (found.folder / "comparison.md").read_text()
    assert "RepDiv, keep 0.3: was left out, as it would train on the whole pool" in text
    assert "| RepDiv |" not in text


def test_where_nothing_finishes_the_errors_are_shown(experiment) -> None:
    made, _, failing = experiment
    failing.update(RAN)
    with pytest.raises(ValueError, match=r"no run of the comparison finished:\n  FullData, keep"):
        made()


def test_equal_seconds_are_those_of_rs2_with_all_overhead(experiment) -> None:
    """8 s: full data 1 epoch of 6 s; RepDiv 3 of 2 s after 2 s; 9 s of proxies do not fit."""
    made, ran, _ = experiment
    found = made("equal_seconds")
    rows = {row["label"]: row for row in read_csv(found.folder / "comparison.csv")}
    epochs = {label: float(row["epochs"]) for label, row in rows.items()}
    assert epochs == {"FullData": 1, "RS2": 4, "RS2+tail-0-1": 4, "RepDiv": 3}
    assert all(float(row["total_seconds"]) <= 8 for row in rows.values())
    text = (found.folder / "comparison.md").read_text()
    assert "(keep 0.3: 8.0 seconds)" in text
    unfit = (
        "Slow, keep 0.3: the pilot took 9.00 s of overhead and 1.000 s per epoch, which does not "
        "fit into the budget of 8.00 s."
    )
    assert unfit in text


def test_pilots_are_runs_by_equal_epochs_and_are_not_run_twice(experiment) -> None:
    made, ran, _ = experiment
    made("equal_seconds")
    of_rs2 = [recipe for recipe in ran if recipe.folder.parent.name == "RS2"]
    assert [recipe.seed for recipe in of_rs2] == [0, 1]
    assert "equal_epochs" in of_rs2[0].folder.parts
    count = len(ran)
    made("equal_epochs")
    assert labels(ran[count:]) == ["FullData 1", "RepDiv 1", "Slow 1"]


def test_without_a_pilot_of_rs2_there_is_no_budget(experiment) -> None:
    made, _, failing = experiment
    failing.add("DynamicRandom")
    with pytest.raises(ValueError, match="no run of the comparison finished:\n  RS2, keep 0.3"):
        made("equal_seconds")


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def trained(quickstart, tmp_path_factory) -> Compared:
    """Returns a comparison that trained: two methods, two seeds, 100 digits, two epochs."""
    place = tmp_path_factory.mktemp("trained")
    methods = {"RepDiv": {"name": "RepDiv"}, "Diverse": {"name": "TopScore", "score": "diversity"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DYNSEL_CACHE", str(place / "cache"))
        recipe = quickstart("trainer.num_train_epochs=2", folder=place)
        return compare(recipe, comparison({"seeds": [0, 1], "methods": methods}, recipe.selector))


def test_all_formats_are_written(trained: Compared) -> None:
    folder = trained.folder
    assert {path.name for path in folder.iterdir() if path.is_file()} == {
        "comparison.md",
        "comparison.csv",
        "comparison.tex",
        "comparison.json",
        "runs.csv",
    }
    assert len(list((folder / "figures").iterdir())) == 4
    assert render(folder / "results") == (trained.folder / "comparison.md").read_text()


def test_the_report_takes_the_folder_of_the_comparison_or_of_its_results(trained, capsys) -> None:
    for folder in (trained.folder, trained.folder / "results"):
        assert main(["report", str(folder)]) == 0
        assert (
            capsys.readouterr().out.strip()
            == (trained.folder / "comparison.md").read_text().strip()
        )


def test_trained_runs_are_in_the_table(trained: Compared) -> None:
    """30 of 100 samples in two epochs; RepDiv refines in the second."""
    rows = {row["label"]: row for row in read_csv(trained.folder / "comparison.csv")}
    counts = {label: float(row["samples_trained"]) for label, row in rows.items()}
    assert counts == {"FullData": 200, "RS2": 60, "RS2+tail-0-1": 130, "RepDiv": 130, "Diverse": 60}
    assert {row["seeds"] for row in rows.values()} == {"2"}
    assert rows["RepDiv"]["tail"] == "RS2+tail-0-1"
    assert rows["RepDiv"]["verdicts"].count(";") == 1


def test_only_what_reads_scores_is_charged_for_them(trained: Compared) -> None:
    runs = (trained.folder / "results" / "keep-0.3").glob("*/seed-*.json")
    charged: dict[str, set[str]] = {}
    for file in runs:
        seconds = json.loads(file.read_text())["seconds"]
        charged.setdefault(file.parent.name, set()).update(
            {"features", "sae", "scores"} & seconds.keys()
        )
    assert charged["FullData"] == charged["RS2"] == charged["RS2+tail-0-1"] == set()
    assert charged["RepDiv"] == charged["Diverse"] == {"features", "sae", "scores"}


@pytest.mark.slow
def test_several_at_once_give_the_same_results(
    trained: Compared, quickstart, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path / "cache"))
    recipe = quickstart("trainer.num_train_epochs=2", folder=tmp_path)
    methods = {"RepDiv": {"name": "RepDiv"}}
    found = compare(recipe, comparison({"seeds": [0], "methods": methods}, recipe.selector), jobs=2)
    assert found.failed == {}
    for label in ("FullData", "RS2", "RepDiv"):
        file = Path("results") / "keep-0.3" / label / "seed-0.json"
        one, other = (
            json.loads((place / file).read_text()) for place in (found.folder, trained.folder)
        )
        assert one["eval"] == other["eval"]
        assert one["samples_per_epoch"] == other["samples_per_epoch"]
