"""Runs are skipped, resumed or started anew; one that fails stops no other. Nothing is trained."""

from dataclasses import replace
from pathlib import Path

import pytest

from compare_kit import finish
from hf_dynsel import yaml_files
from hf_dynsel.compare import launch
from hf_dynsel.compare.cells import Cell, source_of
from hf_dynsel.compare.folders import clear, finished, mark
from hf_dynsel.compare.launch import run_all, run_here


@pytest.fixture
def source(quickstart):  # noqa: ANN201
    return source_of(quickstart())


def cell(source, seed=0, keep=0.3, **parameters):  # noqa: ANN001, ANN201
    section = {"name": "DynamicRandom", "keep": keep, **parameters}
    return source.cell("equal_epochs", keep, "A", section, seed, {})


def begin(cell, *checkpoints: str) -> None:  # noqa: ANN001
    """Leaves what a run leaves that was interrupted."""
    for name in checkpoints:
        (cell.recipe.folder / name).mkdir(parents=True)
    mark(cell)
    yaml_files.write(cell.recipe.plain(), cell.recipe.folder / "recipe.yaml")


@pytest.fixture
def trained(monkeypatch):  # noqa: ANN201
    """Returns the list of what was trained: folders of runs, and whether they were resumed."""
    done: list[tuple[Path, bool]] = []

    def run(recipe, *, report, resume) -> None:  # noqa: ANN001
        assert not report
        finish(Cell(0.3, "A", recipe), 0.5)
        done.append((recipe.folder, resume))

    monkeypatch.setattr(launch, "run", run)
    return done


def test_a_finished_run_is_not_run_again(source, trained) -> None:
    cells = [cell(source, seed) for seed in range(3)]
    finish(cells[1], 0.9)
    assert run_all(cells) == {}
    assert trained == [(cells[0].recipe.folder, False), (cells[2].recipe.folder, False)]
    run_all(cells)
    assert len(trained) == 2


def test_a_run_that_several_budgets_share_is_run_once(source, trained) -> None:
    full = {"name": "FullData"}
    cells = [source.cell("equal_epochs", keep, "Full", full, 0, {}) for keep in (0.3, 0.7)]
    run_all(cells)
    assert trained == [(cells[0].recipe.folder, False)]
    assert all(map(finished, cells))


def test_a_run_of_another_recipe_does_not_count(source, trained) -> None:
    finish(cell(source), 0.5)
    changed = cell(source, refine=0.5)
    (changed.recipe.folder / "checkpoint-4").mkdir()
    assert not finished(changed)
    run_all([changed])
    assert trained == [(changed.recipe.folder, False)]
    assert not (changed.recipe.folder / "checkpoint-4").exists()


@pytest.mark.parametrize("other", [{"library": "0.2", "data": {}}, {}])
def test_a_run_of_other_data_or_another_version_does_not_count(source, trained, other) -> None:
    own = cell(replace(source, origins={0: {"library": "0.1", "data": {"train": "abc"}}}))
    finish(replace(own, origin=other), 0.5)
    assert not finished(own)
    assert clear(own) is False
    assert not (own.recipe.folder / "summary.json").exists()
    finish(own, 0.5)
    assert finished(own)


def test_a_run_that_does_not_say_what_it_was_made_from_does_not_count(source) -> None:
    finish(cell(source), 0.5)
    (cell(source).recipe.folder / "origin.json").unlink()
    assert not finished(cell(source))


def test_an_interrupted_run_is_resumed_from_its_checkpoint(source, trained) -> None:
    with_checkpoint, without = cell(source, 0), cell(source, 1)
    begin(with_checkpoint, "checkpoint-4")
    begin(without)
    run_all([with_checkpoint, without])
    assert trained == [(with_checkpoint.recipe.folder, True), (without.recipe.folder, False)]


def test_the_folder_is_no_part_of_the_recipe(source, quickstart, tmp_path) -> None:
    """A folder of runs that was moved is as finished as before."""
    first = cell(source)
    finish(first, 0.5)
    moved = source_of(quickstart(folder=tmp_path / "moved"))
    second = cell(moved)
    second.recipe.folder.parent.mkdir(parents=True)
    first.recipe.folder.rename(second.recipe.folder)
    assert finished(second)
    assert clear(second) is False


def test_a_run_that_fails_stops_no_other(source) -> None:
    cells = [cell(source, seed) for seed in range(3)]

    def train(cell, resume) -> None:  # noqa: ANN001
        if cell.seed == 1:
            raise RuntimeError("out of memory")
        finish(cell, 0.5)

    assert run_here(cells, train) == {"A, keep 0.3, seed 1": "RuntimeError: out of memory"}
    assert [finished(one) for one in cells] == [True, False, True]


def test_an_interrupt_ends_all_and_keeps_what_is_done(source) -> None:
    cells = [cell(source, seed) for seed in range(3)]

    def train(cell, resume) -> None:  # noqa: ANN001
        if cell.seed == 1:
            raise KeyboardInterrupt
        finish(cell, 0.5)

    with pytest.raises(KeyboardInterrupt):
        run_here(cells, train)
    assert [finished(one) for one in cells] == [True, False, False]
