"""What is trained under each rule, by hand on 100 samples in batches of 32."""

from collections.abc import Sequence

import numpy as np
import pytest

from hf_dynsel.compare.arms import Arm, arms_of, check_references
from hf_dynsel.compare.cells import source_of
from hf_dynsel.compare.notes import notes_of
from hf_dynsel.compare.sizes import Sizes, sizes_of
from hf_dynsel.compare_section import comparison
from hf_dynsel.recipe import RecipeError

LABELS = np.arange(100) % 10
REPDIV, STATIC = {"name": "RepDiv"}, {"name": "StaticRandom"}


@pytest.fixture
def arm(quickstart):  # noqa: ANN201
    """Returns a function that plans one budget: keep 0.3 of 100 samples, 4 epochs."""

    def made(
        rule: str = "equal_epochs",
        keep: float = 0.3,
        changes: Sequence[str] = (),
        **methods: object,
    ) -> Arm:
        recipe = quickstart(*changes)
        section = {"rule": rule, "keeps": [keep], "methods": methods or {"RepDiv": REPDIV}}
        (found,) = arms_of(source_of(recipe), comparison(section, recipe.selector), LABELS)
        return found

    return made


def test_full_data_and_rs2_are_always_there(arm) -> None:
    rows = arm().rows
    assert list(rows)[:2] == ["FullData", "RS2"]
    assert rows["RS2"] == {"name": "DynamicRandom", "keep": 0.3}
    assert rows["RepDiv"] == {"name": "RepDiv", "keep": 0.3}


def test_rs2_gets_the_whole_epochs_of_the_method(arm) -> None:
    """RepDiv refines for ceil(0.15 * 4) = 1 epoch."""
    found = arm()
    assert found.tails == {"RepDiv": "RS2+tail-0-1"}
    tail = {"name": "DynamicRandom", "keep": 0.3, "warmup_epochs": 0, "refine": 0.25}
    assert found.rows["RS2+tail-0-1"] == tail


def test_methods_with_the_same_whole_epochs_share_one_row(arm) -> None:
    """InfoBatch at its defaults: the first epoch, and ceil(0.125 * 4) = 1 at the end."""
    batch = {"name": "InfoBatch", "prune": 0.8}
    found = arm(A=REPDIV, B=REPDIV | {"penalty": 0.0}, C=batch, D=REPDIV | {"refine": 0.0})
    assert found.tails == {"A": "RS2+tail-0-1", "B": "RS2+tail-0-1", "C": "RS2+tail-1-1"}
    assert list(found.rows) == ["FullData", "RS2", "RS2+tail-0-1", "RS2+tail-1-1", *"ABCD"]


def test_equal_epochs_change_nothing_in_the_trainer(arm) -> None:
    found = arm()
    assert (found.length, found.budget) == ({}, 4)


def test_equal_steps_are_those_of_rs2(arm) -> None:
    """30 samples are one batch of 32: 4 steps in 4 epochs; 70 are three: 12."""
    assert arm("equal_steps", A=STATIC).length == {"max_steps": 4}
    assert arm("equal_steps", keep=0.7).budget == 12


def test_equal_samples_are_those_of_rs2(arm) -> None:
    """4 epochs of 30 samples are 120, as are 1.2 of all."""
    found = arm("equal_samples")
    assert found.budget == 120
    assert found.length == {"match_compute": True, "num_train_epochs": pytest.approx(1.2)}


@pytest.mark.parametrize("rule", ["equal_epochs", "equal_steps", "equal_samples"])
def test_rs2_with_a_tail_takes_as_much_as_its_method(arm, quickstart, rule: str) -> None:
    longer = ["trainer.num_train_epochs=10"]
    found = arm(rule, keep=0.7, changes=longer)
    cells = found.cells(source_of(quickstart(*longer)), rule, [0])
    sizes = {cell.label: sizes_of(cell.recipe, LABELS) for cell in cells}
    (tail,) = found.tails.values()
    assert sizes[tail] == sizes["RepDiv"]
    if rule != "equal_epochs":
        assert sizes["RS2"].epochs == (70,) * 10


@pytest.mark.parametrize("rule", ["equal_steps", "equal_samples"])
def test_what_is_decided_in_training_is_refused_with_the_remedy(arm, rule: str) -> None:
    with pytest.raises(RecipeError) as refused:
        arm(rule, Mean={"name": "InfoBatch", "keep": None}, Fine=STATIC)
    (fault,) = refused.value.faults
    assert fault.startswith(f"compare.methods.Mean, keep 0.3: {rule} needs to know beforehand")
    assert "give it a keep, if it takes one, or compare by equal_epochs or equal_seconds" in fault


@pytest.mark.parametrize("rule", ["equal_steps", "equal_samples"])
def test_samples_left_out_within_batches_are_not_known_beforehand(arm, rule: str) -> None:
    with pytest.raises(RecipeError, match="SelectiveBackprop decides that while training"):
        arm(rule, SB={"name": "SelectiveBackprop"})
    assert "SB" in arm(SB={"name": "SelectiveBackprop"}).rows


@pytest.mark.parametrize("rule", ["equal_steps", "equal_samples"])
def test_a_method_that_would_never_select_is_refused_with_the_remedy(arm, rule: str) -> None:
    """A tenth of 100 samples in 4 epochs is less than the one whole epoch of RepDiv."""
    with pytest.raises(RecipeError) as refused:
        arm(rule, keep=0.1)
    (fault,) = refused.value.faults
    assert fault == (
        f"compare.methods.RepDiv, keep 0.1: {rule} leaves RepDiv no epoch that selects, "
        "only 1 on the whole pool; raise trainer.num_train_epochs, which is 4"
    )


def test_rows_far_from_the_budget_in_samples_are_refused(arm, quickstart) -> None:
    """1.2 epochs of all are 120 samples, 280 are 10.7 % less than 100 + 3 * 70."""
    found = arm("equal_samples")
    source, wanted = source_of(quickstart()), comparison({"rule": "equal_samples"}, REPDIV)
    with pytest.raises(RecipeError) as refused:
        check_references([found], source, wanted, LABELS)
    (fault,) = refused.value.faults
    assert fault == (
        "FullData, keep 0.3: equal_samples gives 120 samples, and whole epochs of FullData that "
        "come closest have 100, more than 10% off; raise trainer.num_train_epochs, which is 4, "
        "to 17, say"
    )
    with pytest.raises(RecipeError, match="280 samples, .* RepDiv that come closest have 310"):
        arm("equal_samples", keep=0.7)


def test_seconds_need_all_costs(arm) -> None:
    with pytest.raises(RecipeError) as refused:
        arm("equal_seconds", changes=["scores={from: shared/x}", "sae=null", "features=null"])
    (fault,) = refused.value.faults
    assert "the cost of the scores loaded from shared/x is not known; have the recipe" in fault


def test_what_is_not_charged_or_matched_is_noted(quickstart) -> None:
    recipe = quickstart("scores={from: shared/x}", "sae=null", "features=null")
    rows = {"A": REPDIV, "B": {"name": "SelectiveBackprop"}, "FullData": {"name": "FullData"}}
    cells = [
        source_of(recipe).cell("equal_epochs", 0.3, label, section, seed, {})
        for seed in (0, 1)
        for label, section in rows.items()
    ]
    first, second = notes_of(cells)
    assert first == "A: scores loaded from shared/x: their cost is not known and not charged."
    assert second.startswith("B: leaves samples out within batches: its first epoch trains on")


def test_all_faults_of_all_methods_and_budgets_are_found_first(quickstart) -> None:
    recipe = quickstart()
    methods = {
        "A": {"name": "InfoBatch", "prune": 0.5},
        "B": {"name": "TopScore", "score": "density"},
        "C": REPDIV,
    }
    wanted = comparison({"keeps": [0.3, 0.7], "methods": methods}, recipe.selector)
    with pytest.raises(RecipeError) as refused:
        arms_of(source_of(recipe), wanted, LABELS)
    starts = [fault.split(": ")[0] for fault in refused.value.faults]
    assert starts == [
        "compare.methods.A, keep 0.3",  # 0.5 can drop half, not 70 %
        "compare.methods.B, keep 0.3",
        "compare.methods.B, keep 0.7",
    ]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ((100, 30, 30, 100, 100), (1, 2)),
        ((30, 100, 30), (0, 0)),
        ((100, 100), (0, 0)),
        ((95, None, 95), (1, 1)),  # 5 % are held out, and the middle is decided in training
        ((60, 30, 30), (0, 0)),
    ],
)
def test_whole_epochs_are_those_on_nearly_all_before_and_after_others(
    epochs: tuple[int | None, ...], expected: tuple[int, int]
) -> None:
    assert Sizes(epochs, 1, 100).whole(30) == expected


def test_a_budget_of_nearly_all_is_no_whole_epoch() -> None:
    assert Sizes((95, 95, 100), 1, 100).whole(95) == (0, 1)


def test_a_run_that_depends_on_no_budget_has_one_folder(quickstart, tmp_path) -> None:
    source = source_of(quickstart(folder=tmp_path))
    full = {"name": "FullData"}
    cell = source.cell("equal_steps", 0.3, "FullData", full, 1, {})
    folder = tmp_path / "compare/equal_epochs/any-keep/FullData/seed-1"
    assert cell.recipe.folder == folder
    other = source.cell("equal_steps", 0.7, "FullData", full, 1, {"max_steps": 9})
    assert other.recipe.folder == tmp_path / "compare/equal_steps/keep-0.7/FullData/seed-1"
    assert other.recipe.trainer["max_steps"] == 9


def test_checkpoints_are_off_unless_the_recipe_wants_them(quickstart) -> None:
    def strategy(*changes: str) -> str:
        source = source_of(quickstart(*changes))
        cell = source.cell("equal_epochs", 0.3, "A", {"name": "FullData"}, 0, {})
        return str(cell.recipe.trainer["save_strategy"])

    assert strategy("trainer={num_train_epochs: 4}") == "no"
    assert strategy("trainer.save_strategy=epoch") == "epoch"


def test_single_runs_push_nothing(quickstart) -> None:
    source = source_of(quickstart("hub={run: someone/it}"))
    assert source.cell("equal_epochs", 0.3, "A", {"name": "FullData"}, 0, {}).recipe.hub is None


def test_proxies_are_the_same_under_every_rule(quickstart) -> None:
    source = source_of(quickstart("proxy={scores: {EL2N: {}}}"))
    section = {"name": "TopScore", "score": "el2n", "keep": 0.3}
    length = {"match_compute": True, "num_train_epochs": 1.2}
    found = source.cell("equal_samples", 0.3, "EL2N", section, 0, length).recipe.proxy
    assert found == {"epochs": 4, "scores": {"EL2N": {}}}
