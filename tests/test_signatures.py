import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel import data, features, models, sae, scores, selectors
from hf_dynsel.arguments import DynamicSelectionArguments
from hf_dynsel.core import Selector
from hf_dynsel.recipe_sections import exported
from hf_dynsel.signatures import faults, fits, unknown


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, int),
        (1, float),
        (1.5, float),
        (True, bool),
        ("a", str),
        ("data/x", Path),
        ("data/x", str | Path),
        (None, float | None),
        (0.5, float | None),
        ("equal", Literal["equal", "none"]),
        ([1, 2], Sequence[int]),
        ([1, 2], tuple[int, int]),
        ([1, 2], tuple[int, ...]),
        ([1, 2.5], list[float]),
        ([], Sequence[str]),
        ({"a": "b"}, Mapping[str, str]),
        ({"a": {"b": 1}}, dict[str, dict[str, int]]),
    ],
)
def test_fits(value, kind):
    assert fits(value, kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, int),
        (True, float),
        (1, bool),
        (1.0, int),
        ("1", int),
        ("0.5", float),
        (1, str),
        (None, float),
        ("auto", float | None),
        ("other", Literal["equal", "none"]),
        (1, Literal["1"]),
        (1, Sequence[int]),
        ("ab", Sequence[str]),
        (["a"], Sequence[int]),
        ([1, 2, 3], tuple[int, int]),
        ([True], list[int]),
        ({"a": 1}, Mapping[str, str]),
        ([["a", "b"]], Mapping[str, str]),
        ("a", int | float),
    ],
)
def test_does_not_fit(value, kind):
    assert not fits(value, kind)


@settings(max_examples=40, deadline=None)
@given(value=st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text())
def test_scalars_fit_their_own_type_alone_and_integers_floats(value):
    expected = {kind for kind in (int, float, str, bool) if type(value) is kind}
    if type(value) is int:
        expected.add(float)
    assert {kind for kind in (int, float, str, bool) if fits(value, kind)} == expected


@dataclass
class Pruning:
    """Stands for any selector."""

    prune: float = 0.5
    bins: Sequence[int] = (1, 2)
    rule: Literal["hard", "soft"] = "hard"
    state: int = field(init=False)


def load(path: str, *, size: int = 8, split=None) -> None:
    """Stands for any loader."""


def test_settings_that_fit_have_no_faults():
    given = {"prune": 1, "bins": [3], "rule": "soft"}
    assert list(faults(given, Pruning, "selector")) == []
    assert list(faults({"path": "x", "split": object()}, load, "dataset")) == []


def test_a_misspelt_setting_is_answered_with_the_one_meant():
    assert list(faults({"prun": 0.5}, Pruning, "selector")) == [
        "selector.prun: Pruning has no 'prun'; did you mean 'prune'?"
    ]


def test_a_setting_like_no_other_is_answered_with_those_there_are():
    assert list(faults({"xyz": 1}, Pruning, "selector")) == [
        "selector.xyz: Pruning has no 'xyz'; it has: bins, prune, rule"
    ]


def test_a_value_of_another_type_is_shown_with_the_type():
    wrong = {"prune": "half", "rule": "softly"}
    assert list(faults(wrong, Pruning, "selector")) == [
        "selector.prune: 'half' is not of type float",
        "selector.rule: 'softly' is not one of typing.Literal['hard', 'soft']",
    ]


def test_a_setting_without_default_is_needed():
    assert list(faults({"size": 3}, load, "dataset")) == ["dataset: load needs 'path'"]


def test_all_faults_are_found_at_once():
    found = list(faults({"size": "big", "spilt": 1}, load, "dataset"))
    assert found == [
        "dataset.size: 'big' is not of type int",
        "dataset.spilt: load has no 'spilt'; did you mean 'split'?",
        "dataset: load needs 'path'",
    ]


def test_keys_checked_elsewhere_are_passed_over_and_suggested():
    settings = {"path": "x", "loader": 3, "laoder": 3}
    assert list(faults(settings, load, "dataset", also=("loader",))) == [
        "dataset.laoder: load has no 'laoder'; did you mean 'loader'?"
    ]


def test_what_a_recipe_may_not_set_is_neither_known_nor_needed():
    found = list(faults({"path": "x"}, load, "dataset", without=("path",)))
    assert found == ["dataset.path: load has no 'path'; it has: size, split"]


def test_long_lists_of_names_are_cut():
    names = [f"option_{i:02}" for i in range(25)]
    assert unknown("xyz", names, "p.xyz", "Thing").endswith("option_18, option_19, ...")


NO_SETTING = "device"  # given by the run, never by a recipe
TARGETS = [
    DynamicSelectionArguments,
    data.ImageTransform,
    data.add_label_noise,
    models.image_classifier,
    models.text_classifier,
    sae.train_sae,
    *data.LOADERS.values(),
    *exported(selectors, Selector).values(),
    *exported(scores, scores.Score).values(),
    *exported(features, features.Backbone).values(),
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_every_default_of_the_package_fits_its_own_type(target):
    """What can be checked is checked, and nothing a recipe may set raises while checking."""
    hints = get_type_hints(target.__init__ if inspect.isclass(target) else target)
    plain = (int, float, str, bool, type(None), tuple, list, dict)
    for name, parameter in inspect.signature(target).parameters.items():
        if isinstance(parameter.default, plain) and name != NO_SETTING and name in hints:
            assert fits(parameter.default, hints[name]), name
