"""What the README says is what there is."""

import json
import re
from pathlib import Path

import pytest

from hf_dynsel import selectors
from hf_dynsel.bench import speed_rows
from hf_dynsel.bench.speed import STAGES
from hf_dynsel.compare import render
from hf_dynsel.compare.results import read_results
from hf_dynsel.figures.gains import gains
from hf_dynsel.figures.request import Request
from hf_dynsel.report import results_table
from hf_dynsel.report.markdown import markdown_table
from hf_dynsel.selectors.static_subset import StaticSubset
from hf_dynsel.suite import render_suite

ROOT = Path(__file__).parents[1]
SPEED = ROOT / "recipes/results/speed"
STATIC = {name for name in selectors.__all__ if issubclass(getattr(selectors, name), StaticSubset)}
README = (ROOT / "README.md").read_text()


def test_tables_of_results_are_the_rendered_ones():
    blocks = re.findall(
        r"<!-- results: (\S+) -->\n(.*?)\n<!-- end of results -->", README, flags=re.DOTALL
    )
    assert [folder for folder, _ in blocks] == ["recipes/results/fashion_mnist_noise"]
    for folder, table in blocks:
        assert table.strip() == results_table(ROOT / folder)


def test_tables_of_suites_in_the_readme_are_of_the_rendered_ones():
    blocks = re.findall(
        r"<!-- suite: (\S+) -->\n(.*?)\n<!-- end of suite -->", README, flags=re.DOTALL
    )
    assert [folder for folder, _ in blocks] == ["recipes/results/surrogate_confirm"]
    for folder, table in blocks:
        assert f"\n{table}\n" in (ROOT / folder / "suite.md").read_text()


def test_the_table_of_speeds_is_of_the_recorded_stages():
    found = [json.loads((SPEED / f"{stage}.json").read_text()) for stage in STAGES]
    assert {one["sizes"] for one in found} == {"full"}
    table = markdown_table([row for one in found for row in speed_rows(one)])
    assert f"\n{table}\n" in (ROOT / "recipes/README.md").read_text()


COMPARISONS = ("surrogate_table1/small_cnn", "surrogate_table2/minilm")


@pytest.mark.parametrize("suite", COMPARISONS)
def test_tables_of_comparisons_are_the_rendered_ones(suite):
    folder = ROOT / "recipes/results" / suite
    assert f"recipes/results/{suite}/comparison.md" in README
    assert (folder / "comparison.md").read_text() == render(folder, published=True)


SUITES = sorted(path.parent for path in ROOT.glob("recipes/results/*/suite_setup.json"))


@pytest.mark.parametrize("folder", SUITES, ids=lambda folder: folder.name)
def test_tables_of_suites_are_the_rendered_ones(folder):
    assert f"results/{folder.name}/suite.md" in (ROOT / "recipes/README.md").read_text()
    assert (folder / "suite.md").read_text() == render_suite(folder)


def test_the_gains_are_those_of_all_suites():
    request = Request("gains", SUITES, methods=["RepDiv", "only_Pen", "RepDivConsistency"])
    (table,) = gains(request).tables
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    file = ROOT / "recipes/results/figures/gains_over_rs2_with_the_same_whole_epochs.md"
    assert file.read_text() == f"{markdown_table(rows)}\n"


@pytest.mark.parametrize("suite", COMPARISONS)
def test_comparisons_hold_every_method_at_two_budgets_with_three_seeds(suite):
    found = read_results(ROOT / "recipes/results" / suite)
    assert list(found.setup.keeps) == [0.3, 0.7]
    for keep, methods in found.runs.items():
        assert all(set(runs) == {0, 1, 2} for runs in methods.values()), keep
        named = [runs[0].selector for runs in methods.values()]
        dynamic = set(selectors.__all__) - STATIC
        assert dynamic - {"RepDivConsistency"} <= {*named}, "which reads texts of images' classes"
        assert sum(name in STATIC for name in named) >= 8


def test_every_path_in_the_readme_exists():
    paths = re.findall(r"\(?`?(recipes/[\w./-]+)", README)
    assert len(paths) > 6
    for path in paths:
        assert (ROOT / path.rstrip(".")).exists(), path


def test_python_in_the_readme_compiles_and_names_what_exists():
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 6
    for block in blocks:
        compile(block, "README", "exec")
        for line in block.splitlines():
            if line.startswith("from "):
                exec(line, {})


def test_results_of_several_recipes_are_not_mixed(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match="has no results"):
        results_table(tmp_path)
    source = next((ROOT / "recipes/results/fashion_mnist_small").rglob("*.json")).read_text()
    (tmp_path / "a" / "seed-0.json").write_text(source)
    (tmp_path / "a" / "seed-1.json").write_text(source.replace("fashion_mnist_small", "other"))
    with pytest.raises(ValueError, match="are of several recipes"):
        results_table(tmp_path)
