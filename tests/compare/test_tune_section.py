"""What the section `tune` takes, and what it refuses."""

import math

import pytest

from hf_dynsel.tune_section import tune_faults

SELECTOR = {"name": "RepDiv", "keep": 0.3}


def faults(**section: object) -> list[str]:
    return list(tune_faults({"selector": SELECTOR, "tune": section}))


def test_intervals_and_choices_have_no_fault() -> None:
    section = {
        "selector.penalty": {"low": 0, "high": 1},
        "selector.sharpness": {"low": 0.1, "high": 10, "log": True},
        "selector.quota": {"choices": ["equal", "none"]},
        "selector.alpha": {"choices": [None, 0.5]},
    }
    assert faults(**section) == []
    assert list(tune_faults({"selector": SELECTOR})) == []


@pytest.mark.parametrize(
    ("key", "space", "said"),
    [
        ("selector.penality", {"low": 0, "high": 1}, "RepDiv has no 'penality'; did you mean 'pen"),
        ("penalty", {"low": 0, "high": 1}, "tune.penalty: is not searched; name a parameter as"),
        ("selector.keep", {"low": 0.1, "high": 1}, "tune.selector.keep: is not searched"),
        ("selector.seed", {"choices": [1, 2]}, "tune.selector.seed: is not searched"),
        ("trainer.learning_rate", {"low": 0, "high": 1}, "is not searched"),
        ("selector.usage", {"choices": [1]}, "RepDiv has no 'usage'"),
        ("selector.penalty", [0, 1], "takes low and high, and log: true for a logarithmic scale"),
        ("selector.penalty", {"low": 0}, "takes low and high"),
        ("selector.penalty", {"low": 0, "high": 1, "choices": [1]}, "takes low and high"),
        ("selector.penalty", {"low": 0, "high": "x"}, "'x' is not of type float"),
        ("selector.penalty", {"low": 1, "high": 1}, "low must be a number below high; got 1 and 1"),
        ("selector.penalty", {"low": 0, "high": 1, "log": True}, "scale starts above 0; got 0"),
        ("selector.penalty", {"low": 1, "high": 2, "log": 3}, "log: is true or false; got 3"),
        ("selector.penalty", {"low": 0, "high": math.inf}, "takes finite numbers; got [0, inf]"),
        ("selector.penalty", {"choices": [0.1, math.nan]}, "takes finite numbers; got [0.1, nan]"),
        ("selector.penalty", {"choices": []}, "choices: takes a list of values; got []"),
        ("selector.quota", {"choices": ["equal", "fair"]}, "tune.selector.quota: 'fair' is not"),
        ("selector.quota", {"low": "equal", "high": "none"}, "low must be a number below high"),
    ],
)
def test_a_fault_is_named_with_its_key(key: str, space: object, said: str) -> None:
    (found,) = faults(**{key: space})
    assert said in found


def test_an_empty_section_is_a_fault() -> None:
    (found,) = faults()
    assert "tune: names parameters, such as selector.penalty" in found
