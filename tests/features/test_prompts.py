import sys

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from hf_dynsel.features import class_names
from hf_dynsel.features.prompts import class_words, resolve_templates


def labelled(kind) -> Dataset:
    return Dataset.from_dict({"label": [0, 1]}, features=Features({"label": kind}))


def test_the_names_are_those_that_the_class_column_declares():
    dataset = labelled(ClassLabel(names=["cat", "dog"]))
    assert class_names(dataset) == ("cat", "dog")
    assert class_names(dataset.rename_column("label", "animal"), "animal") == ("cat", "dog")


def test_a_missing_class_column_is_named_with_those_there():
    dataset = labelled(Value("int64"))
    with pytest.raises(ValueError, match=r"no column 'kind' \(it has: label\); pass the name"):
        class_names(dataset, "kind")


def test_classes_without_names_are_refused():
    with pytest.raises(ValueError, match=r"'label' is Value\('int64'\).* have no names; cast it"):
        class_names(labelled(Value("int64")))


def test_a_description_stands_in_place_of_a_name_and_others_keep_theirs():
    assert class_words(["cat", "dog"], {"dog": " a hound "}) == ("cat", "a hound")


@pytest.mark.parametrize(
    ("names", "descriptions", "message"),
    [
        (["cat", ""], None, r"class 1 \(''\) has an empty name"),
        (["cat", " "], None, r"class 1 \(' '\) has an empty name"),
        (["cat", "dog"], {"dog": ""}, r"class 1 \('dog'\) has an empty description"),
        (["cat", "dog"], {"dgo": "x"}, "there is no class 'dgo'; the classes are cat, dog"),
        (["cat", "dog"], {"dog": "cat"}, "'cat' and 'dog' are both described as 'cat'"),
    ],
)
def test_a_class_without_words_of_its_own_is_refused_by_name(names, descriptions, message):
    with pytest.raises(ValueError, match=message):
        class_words(names, descriptions)


def test_the_models_own_templates_are_those_of_open_clip():
    templates = resolve_templates("openai")
    assert len(templates) == 80
    assert templates[0] == "a bad photo of a {}."
    assert all(template.count("{}") == 1 for template in templates)


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        (["a photo"], "'a photo' has 0 places for the class"),
        (["{} or {}"], r"'\{\} or \{\}' has 2 places for the class"),
        ([], r"templates must be a list .* got \[\]"),
        ("a photo of a {}.", "templates must be a list"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_templates_without_one_place_for_the_class_are_refused(templates, message):
    with pytest.raises(ValueError, match=message):
        resolve_templates(templates)


def test_without_open_clip_its_templates_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    monkeypatch.setitem(sys.modules, "open_clip.zero_shot_metadata", None)
    with pytest.raises(ImportError, match=r"'open_clip.*hf-dynsel\[clip\]"):
        resolve_templates("openai")
