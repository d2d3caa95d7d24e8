"""Whatever stands in a recipe, it is accepted or its fault is listed; nothing else is raised."""

import copy
from pathlib import Path

import pytest

from hf_dynsel import yaml_files
from hf_dynsel.recipe import RecipeError, check

QUICKSTART = Path(__file__).parents[1] / "recipes" / "quickstart_digits.yaml"
CONTENT = yaml_files.read(QUICKSTART)
CONTENT["dataset"] |= {"train_size": 500, "label_noise": {"share": 0.1}, "show_texts": False}
CONTENT["adapters"] = {"texts": "TransformersText", "model": "folder", "templates": ["a {}"]}
CONTENT["adapters"] |= {"descriptions": {"0": "zero"}, "kind": "mlp", "weight_decay": 0.0}
CONTENT["scores"]["Consistency"] = {"normalize": "rank"}
CONTENT["features"] |= {"batch_size": 64, "shard_size": 512, "num_workers": 0}
ODD = [3, -1.5, "x", [1], {"a": 1}, None, True]


def paths(value, prefix=()):
    for key, inner in value.items():
        yield (*prefix, key)
        if isinstance(inner, dict):
            yield from paths(inner, (*prefix, key))


def replaced(path, value):
    content = copy.deepcopy(CONTENT)
    section = content
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    return content


@pytest.mark.parametrize("path", list(paths(CONTENT)), ids=".".join)
def test_an_odd_value_is_accepted_or_listed(path):
    for value in ODD:
        try:
            check(replaced(path, value), "recipe")
        except RecipeError as error:
            assert error.faults


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("dataset", "train_size"), "half", "dataset.train_size: 'half' is not"),
        (("dataset", "show_texts"), 3, "dataset.show_texts: 3 is not of type bool"),
        (("dataset", "label_noise"), 0.2, "dataset.label_noise: 0.2 is not"),
        (("features", "batch_size"), "big", "features.batch_size: 'big' is not of type int"),
        (("scores", "Diversity"), 3, "scores.Diversity: 3 is not"),
        (("metrics",), 3, "recipe.metrics: 3 is not"),
    ],
)
def test_a_value_of_the_wrong_kind_is_listed_with_its_key(path, value, fault):
    with pytest.raises(RecipeError) as caught:
        check(replaced(path, value), "recipe")
    assert any(line.startswith(fault) for line in caught.value.faults), caught.value.faults


def test_a_text_models_length_is_checked():
    content = replaced(("model",), {"text_encoder": "folder", "max_length": "long"})
    with pytest.raises(RecipeError, match=r"model.max_length: 'long' is not of type int"):
        check(content, "recipe")
