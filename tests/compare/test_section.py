"""What the section `compare` takes, and what it refuses, with the key and the fix."""

import math

import pytest

from hf_dynsel.compare_section import Comparison, compare_faults, comparison

SELECTOR = {"name": "RepDiv", "keep": 0.4, "penalty": 0.1, "seed": 3}


def faults(**section: object) -> list[str]:
    return list(compare_faults({"compare": section, "trainer": {}}))


def test_without_a_section_the_selector_of_the_recipe_is_compared() -> None:
    found = comparison(None, SELECTOR)
    assert found == Comparison(
        "equal_epochs", (0.4,), (0, 1, 2), {"RepDiv": {"name": "RepDiv", "penalty": 0.1}}
    )
    assert list(compare_faults({"trainer": {}})) == []


def test_a_selector_without_keep_is_compared_at_three_tenths() -> None:
    assert comparison(None, {"name": "SelectiveBackprop"}).keeps == (0.3,)


def test_full_data_is_there_anyway() -> None:
    assert comparison(None, {"name": "FullData"}).methods == {}


def test_a_complete_section_has_no_faults() -> None:
    section = {
        "rule": "equal_seconds",
        "keeps": [0.3, 1],
        "seeds": [5],
        "methods": {
            "Top-1_b.c+d": {"name": "TopScore", "score": "el2n"},
            "I": {"name": "InfoBatch", "keep": None},
        },
    }
    assert faults(**section) == []
    assert comparison(section, SELECTOR).keeps == (0.3, 1)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"rule": "equal_money"}, "compare.rule: 'equal_money' is not one of"),
        ({"rules": "equal_steps"}, "compare.rules: Comparison has no 'rules'; did you mean"),
        ({"keeps": [0.3, 0]}, "compare.keeps: takes fractions in (0, 1], at least one; got [0]"),
        ({"keeps": []}, "compare.keeps: takes fractions in (0, 1], at least one; got []"),
        ({"keeps": [0.3, 0.3]}, "compare.keeps: [0.3, 0.3] has one twice; name each once"),
        ({"keeps": 0.3}, "compare.keeps: 0.3 is not"),
        ({"seeds": [0, 0]}, "compare.seeds: [0, 0] has one twice; name each once"),
        ({"seeds": [-1]}, "compare.seeds: takes integers from 0, at least one; got [-1]"),
        ({"seeds": [0.5]}, "compare.seeds: [0.5] is not"),
        ({"methods": {}}, "compare.methods: names none; leave it out to compare the recipe's own"),
        (
            {"methods": {"A": {"name": "Reddiv"}}},
            "compare.methods.A.name: hf_dynsel has no 'Reddiv'; did you mean 'RepDiv'?",
        ),
        (
            {"methods": {"A": {"name": "RepDiv", "penality": 1}}},
            "compare.methods.A.penality: RepDiv has no 'penality'; did you mean 'penalty'?",
        ),
        (
            {"methods": {"A": {"name": "RepDiv", "penalty": "high"}}},
            "compare.methods.A.penalty: 'high' is not of type float",
        ),
        (
            {"methods": {"A": {"name": "RepDiv", "penalty": math.nan}}},
            "compare.methods.A.penalty: takes a finite number; got nan",
        ),
        (
            {"methods": {"A": {"name": "RepDiv", "usage": [1]}}},
            "compare.methods.A.usage: RepDiv has no 'usage'",
        ),
        (
            {"methods": {"A": {"name": "RepDiv", "keep": 0.3}}},
            "compare.methods.A.keep: follows from compare.keeps; leave it out",
        ),
        (
            {"methods": {"A": {"name": "RepDiv", "seed": 1}}},
            "compare.methods.A.seed: follows from compare.seeds; leave it out",
        ),
        ({"methods": {"A": "RepDiv"}}, "compare.methods: {'A': 'RepDiv'} is not"),
        ({"methods": {"../A": {"name": "RepDiv"}}}, "compare.methods.../A: names a folder"),
        ({"methods": {"rs2": {"name": "RepDiv"}}}, "compare.methods.rs2: is the label of a row"),
        (
            {"methods": {"RS2+tail-0-1": {"name": "RepDiv"}}},
            "compare.methods.RS2+tail-0-1: is the label of a row that is always there",
        ),
        ({"methods": {"FullData": {"name": "FullData"}}}, "is the label of a row that is always"),
        (
            {"methods": {"a": {"name": "RepDiv"}, "A": {"name": "RepDiv"}}},
            "compare.methods.A: differs from another label in case alone; choose another",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_key(section: dict[str, object], said: str) -> None:
    assert any(said in fault for fault in faults(**section))


@pytest.mark.parametrize(
    ("trainer", "said"),
    [
        ({"max_steps": 10}, "trainer.max_steps: the rule of compare sets how long runs are"),
        ({"match_compute": True}, "trainer.match_compute: the rule of compare sets"),
        ({"num_train_epochs": 2.5}, "trainer.num_train_epochs: compare counts whole epochs"),
    ],
)
def test_the_rule_alone_sets_how_long_runs_are(trainer: dict[str, object], said: str) -> None:
    (found,) = compare_faults({"compare": {}, "trainer": trainer})
    assert said in found


def test_all_faults_are_found_at_once() -> None:
    section = {"rule": "none", "keeps": [2], "seeds": [0, 0], "methods": {"A": {"name": "RepDivv"}}}
    assert len(faults(**section)) == 4


def test_a_recipe_without_the_section_may_set_its_length() -> None:
    assert list(compare_faults({"trainer": {"max_steps": 10}})) == []


def test_a_section_that_is_no_mapping_is_one_fault() -> None:
    (found,) = compare_faults({"compare": ["RepDiv"]})
    assert "compare: ['RepDiv'] is not" in found
