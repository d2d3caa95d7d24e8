"""The section on the selection in a model's card."""

import dataclasses
import re

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from card_kit import FIGURE, RUN, metadata, save
from hf_dynsel.cards import selection_section, with_selection

TRAINER = """---
library_name: transformers
tags:
- generated_from_trainer
- my-tag
datasets: mine/data
model-index:
- name: seed-0
  results: []
---

# seed-0

Text of the trainer.
"""


def test_the_numbers_are_those_of_the_run():
    """3,600 + 3,600 + 12,000 = 19,200 of 3 x 12,000 = 36,000; features to select: 82.5 s."""
    text = selection_section(RUN)
    for fact in (
        "| samples trained | 19,200 |",
        "| all data, for as many epochs | 36,000 |",
        "| optimizer steps | 302 |",
        "| test accuracy | 0.8574 |",
        "| never used | 12.5% of the training set |",
        "1.88 times as many",
        "Selection took 82.5 s of\n182.5 s in all.",
        "would have taken about 87.5 s",
        "| features | 60.5 | yes |",
        "| train | 100.0 | no |",
    ):
        assert fact in text
    assert "not in these numbers" not in text


def test_selection_that_took_as_long_as_it_saved_is_said_to():
    """100 s of 19,200 samples make 87.5 s of the other 16,800."""
    dear = dataclasses.replace(RUN, seconds={"features": 87.5, "train": 100.0})
    assert "So selection took as long as it saved, or longer." in selection_section(dear)
    assert "as long as it saved" not in selection_section(RUN)


def test_no_time_is_claimed_where_all_samples_went_forward():
    facts = dataclasses.replace(RUN, samples_forwarded=36_000)
    assert "would have taken" not in selection_section(facts)


def test_seconds_name_the_machine_and_the_run_its_seed():
    text = selection_section(dataclasses.replace(RUN, seed=0, machine="2 x Xeon, torch 2.15.0"))
    assert "measured once on 2 x Xeon, torch 2.15.0." in text
    assert "| seed | 0 |" in text
    assert "| seed |" not in selection_section(RUN)


def test_what_scores_cost_elsewhere_is_said_to_be_missing():
    facts = dataclasses.replace(RUN, seconds={"train": 1.0, "select": 0.1})
    assert "to compute the scores before the training is not in" in selection_section(facts)


def test_a_run_that_has_just_begun_claims_no_saving():
    facts = dataclasses.replace(
        RUN, samples_per_epoch=[], usage={}, results={}, samples_forwarded=9
    )
    text = selection_section(facts)
    assert "| epochs counted | 0 of 3 |" in text
    assert not re.search(r"times as many|would have|None|nan", text)


def test_data_that_may_not_be_passed_on_are_said_to_be_left_out():
    private = {**RUN.source, "redistribution": False}
    said = "no sample of it is in this\nrepository"
    assert said in selection_section(dataclasses.replace(RUN, source=private))
    assert said not in selection_section(RUN)


def test_without_a_recipe_the_selector_is_given_as_a_recipe_names_it():
    text = selection_section(dataclasses.replace(RUN, recipe=""))
    assert "```yaml\nselector:\n  name: RepDiv\n  keep: 0.3\n  penalty: 0.2\n```" in text


def test_methods_of_selector_and_scores_are_cited_once():
    facts = dataclasses.replace(RUN, scores={"a": "Diversity", "b": "Consistency", "c": None})
    text = selection_section(facts)
    assert text.count("2603.04981") == text.count("2505.03809") == 1
    own = dataclasses.replace(RUN, selector="Mine", scores={})
    assert "### Citation" not in selection_section(own)


def test_what_the_trainer_wrote_stays_and_tags_and_data_are_added(tmp_path, hub):
    card = with_selection(TRAINER, RUN, "name", tags=["earlier"])
    data = metadata(card)
    assert data["tags"] == [
        "generated_from_trainer",
        "my-tag",
        "earlier",
        "hf-dynsel",
        "data-selection",
    ]
    assert data["datasets"] == ["mine/data", "zalandoresearch/fashion_mnist"]
    assert data["pipeline_tag"] == "image-classification"
    assert "# seed-0\n\nText of the trainer.\n" in card
    name, (result,) = model_index_to_eval_results(data["model-index"])
    assert (name, result.metric_value, result.dataset_split) == ("seed-0", 0.8574, "test")
    ModelCard.load(save(card, tmp_path)).validate()


def test_writing_it_again_replaces_it():
    once = with_selection(TRAINER, RUN, "name")
    assert with_selection(once, RUN, "name") == once
    better = dataclasses.replace(RUN, results={"accuracy": 0.9})
    again = with_selection(once, better, "name")
    assert again.count("## Data selection") == 1
    assert "0.8574" not in again


def test_text_behind_the_section_stays_behind_it():
    once = with_selection(TRAINER, RUN, "name") + "\n## Mine\n"
    twice = with_selection(once, RUN, "name", [FIGURE])
    assert twice.index("hf-dynsel: end") < twice.index("## Mine")
    assert "figures/scores.png" in twice


@pytest.mark.parametrize("card", ["", "# A title\n", "---\n---\n# A title\n"])
def test_a_card_without_metadata_gets_some(card, tmp_path, hub):
    text = with_selection(card, RUN, "name")
    assert metadata(text)["tags"] == ["hf-dynsel", "data-selection"]
    assert ("# A title" if card else "# name") in text
    ModelCard.load(save(text, tmp_path)).validate()


def test_line_ends_of_the_card_do_not_multiply():
    card = TRAINER
    for _ in range(3):
        card = with_selection(card, RUN, "name")
    assert "\n\n\n\n" not in card
