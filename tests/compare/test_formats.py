"""Tables in every format, to the letter or read back by a parser of the format."""

import csv
import io
import json
import re

import pytest

from compare_kit import ENVIRONMENT
from hf_dynsel.compare.formats import as_json, escape, latex, markdown, runs_csv, summary_csv

ARM = {
    "FullData": (0.90, 0.91, 0.92),
    "RS2": (0.80, 0.81, 0.82),
    "RS2+tail-0-1": (0.83, 0.84, 0.85),
    "EL2N_4": (0.70, 0.705, 0.72),
}
FULL = {"samples_trained": 400, "samples_forwarded": 400, "seconds": {"train": 30.0, "eval": 5.0}}
HEAD = (
    "`demo` by equal_epochs (keep 0.3: 4 epochs), seeds 0, 1, 2; digits, 100 training samples; "
    "A processor, threads 1; hf-dynsel 0.1, torch 2.15, transformers 5.23; commit abc; "
    "one run at a time."
)
TABLE = """\
| method | seeds | accuracy, % | to RS2 | to RS2 with own tail | epochs | samples trained | \
fewer samples | extra, s | total, s |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| FullData | 3 | 91.00 ± 1.00 | +10.00 [+10.00, +10.00] | - | 4 | 400 | 1.00× | 0.0 | 30.0 |
| RS2+tail-0-1 | 3 | 84.00 ± 1.00 | +3.00 [+3.00, +3.00] | - | 4 | 120 | 3.33× | 1.0 | 11.0 |
| RS2 | 3 | 81.00 ± 1.00 | - | - | 4 | 120 | 3.33× | 1.0 | 11.0 |
| EL2N_4 | 3 | 70.83 ± 1.04 | -10.17 [-10.88, -9.45] | -13.17 [-13.88, -12.45] | 4 | 120 | \
3.33× | 1.0 | 11.0 |
"""
RS2 = (0.80, 0.81, 0.82)
SAID = (
    "- EL2N_4: worse than RS2 (-10.17, 95 % CI -10.88 to -9.45, p < 0.001); "
    "worse than RS2+tail-0-1 (-13.17, 95 % CI -13.88 to -12.45, p < 0.001)"
)


@pytest.fixture
def found(results):  # noqa: ANN201
    return results(ARM, tails={"EL2N_4": "RS2+tail-0-1"}, summaries={"FullData": FULL})


def test_the_first_line_says_what_was_compared_and_where(found) -> None:
    assert markdown(found).partition("\n")[0] == HEAD


def test_the_table_and_verdicts_to_the_letter(found) -> None:
    assert f"## Keep 0.3: 4 epochs\n\n{TABLE}\n{SAID}\n" in markdown(found)


def test_the_text_says_how_the_verdicts_were_made(found) -> None:
    text = markdown(found)
    for words in ("Holm's correction", "same seed", "Student's t", "RS2+tail-a-b is RS2 with"):
        assert words in text


@pytest.mark.parametrize(
    ("rule", "budget", "said"),
    [
        ("equal_steps", 1200, "keep 0.3: 1,200 optimizer steps"),
        ("equal_samples", 1200, "keep 0.3: 1,200 samples"),
        ("equal_seconds", 12.25, "keep 0.3: 12.2 seconds"),
    ],
)
def test_every_rule_states_its_budget(results, rule: str, budget: float, said: str) -> None:
    text = markdown(results({"RS2": (0.5,)}, rule=rule, budgets={"0.3": budget}))
    assert f"`demo` by {rule} ({said})" in text
    assert "in 4 epochs at the same keep" in text or "for 4 epochs at the same keep" in text


def test_what_failed_is_listed(results) -> None:
    text = markdown(results({"RS2": (0.5,)}, notes=["A, keep 0.3, seed 1 failed: no memory"]))
    assert text.endswith("\n\n- A, keep 0.3, seed 1 failed: no memory\n")


def test_looks_at_the_pool_have_a_column_where_there_are_any(results) -> None:
    swept = {"samples_swept": 1500}
    text = markdown(results({"RS2": (0.5,), "A": (0.5,)}, summaries={"A": swept}))
    assert "| looked at |" in text and "| 1,500 |" in text


def test_samples_forwarded_have_a_column_where_they_are_not_those_trained(results) -> None:
    more = {"samples_forwarded": 310}
    text = markdown(results({"RS2": (0.5,), "A": (0.5,)}, summaries={"A": more}))
    assert "| samples trained | forwarded | fewer samples |" in text
    assert "| 120 | 310 | 3.33× |" in text and "| 120 | 120 | 3.33× |" in text


def test_seeds_that_are_missing_are_listed(results) -> None:
    methods = {"0.3": {name: {"name": name, "keep": 0.3} for name in ("RS2", "A", "B")}}
    text = markdown(results({"RS2": RS2, "A": (0.5, 0.5)}, methods=methods))
    assert "\n\nSeeds missing: A, keep 0.3: 2; B, keep 0.3: 0, 1, 2.\n\n" in text
    assert "Seeds missing" not in markdown(results({"RS2": RS2}))


def test_differences_of_fewer_pairs_than_seeds_say_so(results) -> None:
    """Gaps of 0.1 and 0.0: one of three seeds is in RS2 alone."""
    text = markdown(results({"RS2": RS2, "A": (0.9, 0.81)}))
    assert "| A | 2 | 85.50 ± 6.36 | +5.00 [-58.53, +68.53] of 2 pairs |" in text
    assert (
        "- A: within noise of RS2 (+5.00, 95 % CI -58.53 to +68.53, p = 0.500, of 2 pairs)" in text
    )


def test_runs_of_several_commits_are_said_to_be(results) -> None:
    other = {"environment": ENVIRONMENT | {"commit": "def"}}
    text = markdown(results({"RS2": (0.5,), "A": (0.5,)}, summaries={"A": other}))
    assert "; runs of 2 commits: abc, def;" in text.partition("\n")[0]


def test_runs_with_different_metrics_share_a_table(results) -> None:
    more = {"eval": {"accuracy": 0.5, "f1": 0.4}}
    text = runs_csv(results({"RS2": (0.5,), "A": (0.5,)}, summaries={"A": more}))
    rows = list(csv.DictReader(io.StringIO(text)))
    found = {row["method"]: (row["loss"], row["f1"]) for row in rows}
    assert found == {"RS2": ("1.0", ""), "A": ("", "0.4")}


def test_latex_has_every_row_and_no_bare_special_character(found) -> None:
    text = latex(found)
    assert text.count(r" \\") == 6  # a head, a budget and four methods
    assert r"EL2N\_4 & 3 & 70.83 $\pm$ 1.04" in text
    assert r"accuracy, \%" in text
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    body = text.partition("\n")[2]
    assert not re.search(r"(?<!\\)[%#_]", body)
    widths = {line.count("&") for line in body.splitlines() if "&" in line}
    assert widths == {9}


def test_latex_prints_what_it_is_given() -> None:
    assert escape(r"a_b & 5% of {x}^~\ #$") == (
        r"a\_b \& 5\% of \{x\}\textasciicircum{}\textasciitilde{}\textbackslash{} \#\$"
    )


def test_the_summary_has_one_row_per_method(found) -> None:
    rows = list(csv.DictReader(io.StringIO(summary_csv(found))))
    assert [row["label"] for row in rows] == ["FullData", "RS2+tail-0-1", "RS2", "EL2N_4"]
    last = rows[-1]
    assert float(last["to_rs2_mean"]) == pytest.approx(-0.101667, abs=1e-6)
    assert last["verdicts"].startswith("worse than RS2 (-10.17")
    assert rows[2]["to_rs2_mean"] == ""


def test_the_runs_have_one_row_each(found) -> None:
    rows = list(csv.DictReader(io.StringIO(runs_csv(found))))
    assert len(rows) == 12
    assert [float(row["accuracy"]) for row in rows if row["method"] == "RS2"] == [0.80, 0.81, 0.82]
    assert {row["total_seconds"] for row in rows if row["method"] == "FullData"} == {"30.0"}


def test_json_holds_the_numbers_and_the_verdicts(found) -> None:
    content = json.loads(as_json(found))
    assert content["headline"] == HEAD
    assert content["setup"]["rule"] == "equal_epochs"
    assert content["rows"][-1]["to_rs2"]["seeds"] == 3
    assert len(content["rows"][-1]["verdicts"]) == 2
