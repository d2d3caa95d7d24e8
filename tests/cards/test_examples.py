"""The cards in `model_cards/` are what the library makes of the facts kept beside them."""

import json
import re

import pytest
from huggingface_hub import DatasetCard, ModelCard

from card_kit import metadata
from example_cards import KINDS, ROOT, render

every_kind = pytest.mark.parametrize("kind", KINDS)
MODELS = ("adapters", "run", "sae")


def facts_of(kind):
    return json.loads((ROOT / "facts" / f"{kind}.json").read_text(encoding="utf-8"))


def numbers_of(value):
    """Returns the measured numbers in facts, as a card may write them."""
    if isinstance(value, dict):
        return {text for part in value.values() for text in numbers_of(part)}
    return {f"{value:.4g}"} if isinstance(value, float) else set()


def test_there_is_one_card_of_each_kind():
    assert tuple(sorted(path.stem for path in ROOT.glob("*.md"))) == KINDS


@every_kind
def test_a_card_is_what_its_facts_give(kind):
    assert (ROOT / f"{kind}.md").read_text(encoding="utf-8") == render(kind, facts_of(kind))


@every_kind
def test_the_hub_takes_the_card(kind, hub):
    card = (ModelCard if kind in MODELS else DatasetCard).load(ROOT / f"{kind}.md")
    card.validate()
    assert card.data.to_dict() == metadata(str(card))
    assert "hf-dynsel" in card.data.tags


@pytest.mark.parametrize("kind", MODELS)
def test_results_are_the_measured_ones(kind):
    facts = facts_of(kind)
    measured = facts["facts"]["results"] if kind == "run" else facts["training"]
    results = ModelCard.load(ROOT / f"{kind}.md").data.eval_results
    assert results
    for result in results:
        assert measured[result.metric_type] == result.metric_value


@pytest.mark.parametrize("kind", ["sae", "adapters"])
def test_every_number_of_the_training_is_told(kind):
    text = (ROOT / f"{kind}.md").read_text(encoding="utf-8")
    told = set(re.findall(r"\d[\d.e+-]*", text))
    missing = numbers_of({k: v for k, v in facts_of(kind)["training"].items() if k != "texts_cut"})
    assert missing <= told


@every_kind
def test_figures_are_there(kind):
    text = (ROOT / f"{kind}.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\((figures/[^)]+)\)", text)
    assert bool(linked) == (kind in ("run", "scores"))
    for name in linked:
        assert (ROOT / name).read_bytes().startswith(b"\x89PNG")


@every_kind
def test_no_folder_of_a_machine_is_named(kind):
    for path in (ROOT / f"{kind}.md", ROOT / "facts" / f"{kind}.json"):
        assert not re.search(r"(?<![\w.:/&])/(home|root|tmp|usr|work)/", path.read_text())
