"""The cards in `model_cards/` are what the library makes of the facts kept beside them."""

import json
import re

import pytest
from huggingface_hub import DatasetCard, ModelCard

from card_kit import metadata
from example_cards import ROOT, render

CARDS = {f"{p.parent.name}/{p.stem}": p for p in sorted(ROOT.glob("*/*.md"))}
MODELS = ("adapters", "run", "sae")
every_card = pytest.mark.parametrize("path", CARDS.values(), ids=CARDS)
every_model = pytest.mark.parametrize(
    "path", [path for path in CARDS.values() if path.stem in MODELS], ids=lambda p: p.parent.name
)


def facts_of(path):
    facts = path.parent / "facts" / f"{path.stem}.json"
    return json.loads(facts.read_text(encoding="utf-8"))


def numbers_of(value):
    """Returns the measured numbers in facts, as a card may write them."""
    if isinstance(value, dict):
        return {text for part in value.values() for text in numbers_of(part)}
    return {f"{value:.4g}"} if isinstance(value, float) else set()


def test_there_is_a_card_of_each_kind_from_images_and_from_texts():
    shared = {"run", "sae", "scores", "selections"}
    assert {f"fashion-mnist/{kind}" for kind in shared | {"adapters"}} <= CARDS.keys()
    assert {f"fortunes/{kind}" for kind in shared} <= CARDS.keys()


@every_card
def test_a_card_is_what_its_facts_give(path):
    assert path.read_text(encoding="utf-8") == render(path.stem, facts_of(path))


@every_card
def test_the_hub_takes_the_card(path, hub):
    card = (ModelCard if path.stem in MODELS else DatasetCard).load(path)
    card.validate()
    assert card.data.to_dict() == metadata(str(card))
    assert "hf-dynsel" in card.data.tags


@every_model
def test_results_are_the_measured_ones(path):
    facts = facts_of(path)
    measured = facts["facts"]["results"] if path.stem == "run" else facts["training"]
    results = ModelCard.load(path).data.eval_results
    assert results
    for result in results:
        assert measured[result.metric_type] == result.metric_value


@every_model
def test_every_number_of_a_training_is_told(path):
    told = set(re.findall(r"\d[\d.e+-]*", path.read_text(encoding="utf-8")))
    training = facts_of(path).get("training", {})  # a run has none
    assert numbers_of({k: v for k, v in training.items() if k != "texts_cut"}) <= told


@every_card
def test_figures_are_there(path):
    linked = re.findall(r"\]\((figures/[^)]+)\)", path.read_text(encoding="utf-8"))
    assert bool(linked) == (path.stem in ("run", "scores"))
    for name in linked:
        assert (path.parent / name).read_bytes().startswith(b"\x89PNG")


@every_card
def test_no_folder_of_a_machine_is_named(path):
    for file in (path, path.parent / "facts" / f"{path.stem}.json"):
        assert not re.search(r"(?<![\w.:/&])/(home|root|tmp|usr|work)/", file.read_text())
