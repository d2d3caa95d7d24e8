import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.yaml_files import parse, read, write


@pytest.mark.parametrize(
    "text", ["1e-3", "1E-3", "+1e-3", "0.1e-2", "1.e-3", ".1e-2", "10e-4", "0.001", "1.0e-3"]
)
def test_numbers_with_an_exponent_are_numbers(text):
    assert parse(f"rate: {text}", "recipe") == {"rate": 0.001}


@pytest.mark.parametrize("text", ["e3", "1e", "1e-", "'1e-3'", "1e3x", "v1e3"])
def test_what_only_looks_like_one_is_text(text):
    assert parse(f"a: {text}", "recipe") == {"a": text.strip("'")}


def test_plain_values_have_their_types():
    text = "a: 1\nb: 1.5\nc: true\nd: null\ne: [1, x]\nf: {g: -2}\nh:\n"
    assert parse(text, "recipe") == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": [1, "x"],
        "f": {"g": -2},
        "h": None,
    }


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("a: 1\nb: 2\na: 3", "a", 1),
        ("name: x\ntrainer:\n  lr: 1\n  lr: 1\n", "lr", 3),
        ("- {b: 1, b: 2}", "b", 1),
        ("x:\n  - y:\n      z: 1\n      z: 2\n", "z", 3),
    ],
    ids=["top", "section", "flow", "deep"],
)
def test_a_key_that_stands_twice_is_refused_with_its_place(text, key, line):
    with pytest.raises(
        ValueError, match=f"^recipe.yaml is not .*'{key}' .*twice below line {line}"
    ):
        parse(text, "recipe.yaml")


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "No", "y", "TRUE"])
def test_words_are_words(word):
    """YAML 1.1 takes most of these for booleans, and `save_strategy: no` for false."""
    assert parse(f"a: {word}", "recipe") == {"a": word}


@pytest.mark.parametrize("word", ["true", "True", "false", "False"])
def test_truth_has_two_names(word):
    assert parse(f"a: {word}", "recipe") == {"a": word.lower() == "true"}


def test_the_same_key_in_two_sections_is_fine():
    assert parse("a: {x: 1}\nb: {x: 1}", "recipe") == {"a": {"x": 1}, "b": {"x": 1}}


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.getcwd []",
        "!!python/object:collections.Counter {}",
        "!!python/name:os.system ''",
        "a: !!python/tuple [1]",
        "!Unknown x",
    ],
)
def test_yaml_that_would_build_objects_is_refused(text):
    with pytest.raises(ValueError, match="^recipe is not valid YAML: could not determine a const"):
        parse(text, "recipe")


@pytest.mark.parametrize(
    "text", ["a: [1", "a: b: c", "\ta: 1", "a: 'x\x00'", "{a: 1", "? [1]\n: 2"]
)
def test_broken_yaml_names_its_source(text):
    with pytest.raises(ValueError, match="^overrides 3 is not valid YAML"):
        parse(text, "overrides 3")


@pytest.mark.parametrize("text", ["day: 2024-02-30", "count: !!int many"])
def test_values_that_are_none_of_their_kind_name_their_source(text):
    with pytest.raises(ValueError, match="^recipe is not valid YAML"):
        parse(text, "recipe")


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(ValueError, match=r"bad\.yaml is not valid YAML"):
        read(tmp_path / "bad.yaml")


printable = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | printable,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(printable, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(value=plain)
def test_what_is_written_is_read_back(value, tmp_path_factory):
    path = tmp_path_factory.mktemp("yaml") / "value.yaml"
    write(value, path)
    assert read(path) == value


@pytest.mark.parametrize(
    "text", ["1e-3", "12e4567", "1E5", "true", "no", "1.5", "null", "2024-01-01"]
)
def test_text_that_looks_like_another_value_stays_text(text, tmp_path):
    """Such as the commit 12e4567, which as a number would be infinite."""
    write({"revision": text}, tmp_path / "recipe.yaml")
    assert read(tmp_path / "recipe.yaml") == {"revision": text}


@pytest.mark.parametrize("value", [1e-3, 1e-5, 1e22, math.inf])
def test_floats_stay_floats(value, tmp_path):
    write({"rate": value}, tmp_path / "recipe.yaml")
    found = read(tmp_path / "recipe.yaml")["rate"]
    assert (found, type(found)) == (value, float)


def test_keys_keep_their_order_and_letters_stay_readable(tmp_path):
    write({"name": "Größe", "a": 1}, tmp_path / "recipe.yaml")
    assert (tmp_path / "recipe.yaml").read_text(encoding="utf-8") == "name: Größe\na: 1\n"
