"""Suites are checked whole, their members' recipes included, before anything is built."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hf_dynsel import yaml_files
from hf_dynsel.recipe import RecipeError
from hf_dynsel.suite import is_suite, load_suite

RECIPES = Path(__file__).parents[2] / "recipes"
QUICKSTART = RECIPES / "quickstart_digits.yaml"
ROWS = {"dataset": "CIFAR-10", "backbone": "ResNet-18"}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Returns a function that writes a suite of two members; `changes` replace its keys."""

    def written(**changes: object) -> Path:
        members = {"one": {"recipe": str(QUICKSTART)}, "two": {"recipe": str(QUICKSTART)}}
        content = {"suite": "demo", "title": "A demonstration", "members": members} | changes
        yaml_files.write(content, tmp_path / "suite.yaml")
        return tmp_path / "suite.yaml"

    return written


def faults(path: Path, *overrides: str, only: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(RecipeError) as refused:
        load_suite(path, overrides, only)
    return refused.value.faults


def test_members_have_folders_of_their_own_in_that_of_the_suite(write: Write) -> None:
    loaded = load_suite(write())
    assert loaded.folder == Path("outputs/demo")
    assert {name: recipe.folder for name, recipe in loaded.recipes.items()} == {
        "one": Path("outputs/demo/one"),
        "two": Path("outputs/demo/two"),
    }
    assert load_suite(write(output_dir="else where")).folder == Path("else where")


def test_overrides_come_after_a_members_own_changes(write: Write) -> None:
    changed = ["trainer.num_train_epochs=3", "selector.keep=0.5"]
    members = {"one": {"recipe": str(QUICKSTART), "set": changed}}
    recipe = load_suite(write(members=members), ["selector.keep=0.7"]).recipes["one"]
    assert (recipe.trainer["num_train_epochs"], recipe.selector["keep"]) == (3, 0.7)


def test_an_output_folder_given_last_is_the_suites(write: Write) -> None:
    loaded = load_suite(write(), ["output_dir=out, there", "seed=3"])
    assert loaded.folder == Path("out, there")
    assert loaded.recipes["two"].folder == Path("out, there/two")


def test_recipes_are_found_from_the_file_of_the_suite(write: Write, tmp_path: Path) -> None:
    (tmp_path / "near.yaml").write_text(QUICKSTART.read_text())
    loaded = load_suite(write(members={"one": {"recipe": "near.yaml"}}))
    assert loaded.recipes["one"].name == "quickstart_digits"


def test_only_the_members_asked_for_are_loaded(write: Write) -> None:
    members = {"one": {"recipe": str(QUICKSTART)}, "two": {"recipe": "missing.yaml"}}
    assert list(load_suite(write(members=members), only=["one"]).recipes) == ["one"]
    (fault,) = faults(write(), only=("tow",))
    assert fault == "--only: the suite has no 'tow'; did you mean 'two'?"


def test_every_fault_is_listed_at_once(write: Write) -> None:
    members = {
        "one": {"recipe": str(QUICKSTART), "set": ["selector.keep=2", "trainer.learning_rat=1"]},
        "two": {"recipe": "missing.yaml", "publish": {}},
        "three": {"recipe": str(QUICKSTART), "published": {"backbone": "ResNet-19"}},
    }
    path = write(members=members, colums=["x"], columns=["acuracy"], paper="B", table="1")
    found = "\n".join(faults(path))
    for said in (
        "suite.colums: Suite has no 'colums'; did you mean 'columns'?",
        "columns: a suite has no 'acuracy'; did you mean 'accuracy'?",
        "members.one: trainer.learning_rat: DynamicSelectionArguments has no 'learning_rat'",
        "members.two.publish: Member has no 'publish'; did you mean 'published'?",
        "members.two: there is no recipe",
        "members.three.published.backbone: the table has no 'ResNet-19'; did you mean 'ResNet-18'?",
    ):
        assert said in found, said


def test_a_method_that_cannot_run_is_a_fault_of_its_member(write: Write) -> None:
    compare = "compare={methods: {EL2N: {name: TopScore, score: el2n}, Fine: {name: RCAP}}}"
    members = {"one": {"recipe": str(QUICKSTART), "set": [compare]}}
    (fault,) = faults(write(members=members))
    assert fault.startswith("members.one: compare.methods.EL2N: selector: reads the score 'el2n'")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"suite": "a/b"}, "suite: names a folder; use letters, digits"),
        ({"members": {}}, "members: names none; give each comparison a name"),
        ({"members": {"results": {"recipe": "x"}}}, "members.results: names a folder"),
        ({"members": {"../up": {"recipe": "x"}}}, "members.../up: names a folder"),
        ({"members": {"one": "x.yaml"}}, "members.one: 'x.yaml' is not of type Mapping"),
        ({"columns": []}, "columns: takes measures, at least one and each once; got []"),
        ({"columns": ["seconds"] * 2}, "at least one and each once; got ['seconds', 'seconds']"),
        ({"paper": "B"}, "paper and table: stand together"),
        ({"paper": "B", "table": "11"}, "table: there is no table B 11; there are A 7, A summary"),
        ({"drop": ["one"]}, "drop: takes two of the members, one, two; got ['one']"),
        ({"drop": ["one", "three"]}, "drop: takes two of the members"),
        ({"title": 3}, "suite.title: 3 is not of type str"),
    ],
)
def test_a_fault_of_the_suite_says_what_is_wrong(
    write: Write, changes: dict[str, object], said: str
) -> None:
    assert any(said in fault for fault in faults(write(**changes)))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"bakcbone": "x"},
            "published: a published row has no 'bakcbone'; did you mean 'backbone'",
        ),
        ({"keep": "0.3"}, "published: a published row has no 'keep'; it has: backbone, dataset"),
        ({"metric": "acc"}, "published.metric: the table has no 'acc'"),
        ({**ROWS, "method": "CLIP"}, "published: no row of the table has all of {'dataset': 'CIF"),
        ({"backbone": "ResNet-18"}, "would both stand beside StaticRandom, keep 0.7; name the one"),
    ],
)
def test_published_rows_must_be_there_and_be_one_each(
    write: Write, asked: dict[str, str], said: str
) -> None:
    members = {"one": {"recipe": str(QUICKSTART), "published": asked}}
    found = faults(write(members=members, paper="B", table="1"))
    assert all(fault.startswith("members.one.published") for fault in found)
    assert said in found[0]


def test_published_rows_need_a_table(write: Write) -> None:
    members = {"one": {"recipe": str(QUICKSTART), "published": ROWS}}
    (fault,) = faults(write(members=members))
    assert fault == (
        "members.one.published: names rows of a table; add 'paper' and 'table' to the suite"
    )


def test_changes_of_a_member_are_checked(write: Write) -> None:
    members = {"one": {"recipe": str(QUICKSTART), "set": ["seed", "output_dir=x"]}}
    found = "\n".join(faults(write(members=members)))
    assert "members.one.set: 'seed' is no change; one looks like trainer.learning_rate=0.1" in found
    assert "members.one.set: output_dir follows from the suite's; leave it out" in found


def test_names_that_differ_in_case_alone_are_refused(write: Write) -> None:
    members = {name: {"recipe": str(QUICKSTART)} for name in ("one", "One")}
    assert "members.one: differs from another name in case alone; choose another" in faults(
        write(members=members)
    )


def test_a_suite_is_told_from_a_recipe(write: Write, tmp_path: Path) -> None:
    assert is_suite(write())
    assert not is_suite(QUICKSTART)
    assert not is_suite(tmp_path / "missing.yaml")
    (tmp_path / "list.yaml").write_text("[suite]")
    assert not is_suite(tmp_path / "list.yaml")
