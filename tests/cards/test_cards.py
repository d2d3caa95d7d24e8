"""Each kind of card: valid metadata, and text that says the facts and nothing else."""

import ast
import dataclasses
import re
from pathlib import Path

import jinja2
import pytest
from huggingface_hub import DatasetCard, ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from card_kit import (
    ADAPTER_TRAINING,
    ADAPTERS,
    IMAGES,
    MINILM,
    NOTES,
    ORIGIN,
    RUN,
    SAE,
    SAE_TRAINING,
    SOURCE,
    metadata,
    render,
    save,
)

KINDS = ("sae", "adapters", "scores", "selections")
MODELS = ("sae", "adapters")
every_kind = pytest.mark.parametrize("kind", KINDS)
BARE = {
    "sae": {"training": None, "origin": None},
    "adapters": {"training": None, "origin": None},
    "scores": {
        "notes": {**NOTES, "source": {}, "columns": {}, "content": [], "labels": []},
        "figures": [],
    },
    "selections": {
        "facts": dataclasses.replace(RUN, source={}, usage={}, selector="Mine"),
        "model": None,
    },
}


@every_kind
def test_the_hub_takes_the_card(kind, tmp_path, hub):
    path = save(render(kind), tmp_path)
    card = (ModelCard if kind in MODELS else DatasetCard).load(path)
    card.validate()
    assert card.data.to_dict() == metadata(render(kind))
    assert "hf-dynsel" in card.data.tags


@every_kind
def test_missing_facts_are_left_out_with_their_line(kind, hub, tmp_path):
    card = render(kind, **BARE[kind])
    (ModelCard if kind in MODELS else DatasetCard).load(save(card, tmp_path)).validate()
    assert not re.search(r"None|N/A|nan|unknown|undefined", card)
    assert not re.search(r"\|\s*\|\n", card.replace("| | |\n", "").replace("| | |\r\n", ""))


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("missing", ["training", "origin"])
def test_training_and_origin_are_known_apart(kind, missing):
    card = render(kind, **{missing: None})
    assert not re.search(r"None|N/A|nan|unknown", card)


@every_kind
def test_the_same_facts_give_the_same_card(kind):
    assert render(kind) == render(kind)


@every_kind
def test_code_in_a_card_compiles_and_imports_what_exists(kind):
    for changes in ({}, BARE[kind]):
        blocks = re.findall(r"```python\n(.*?)```", render(kind, **changes), re.DOTALL)
        assert blocks
        for block in blocks:
            imports = [n for n in ast.parse(block).body if isinstance(n, ast.ImportFrom)]
            exec(ast.unparse(ast.Module(imports, [])), {})


@every_kind
def test_tables_have_as_many_cells_in_every_row(kind):
    tables = re.findall(r"(?:^\|.*\n)+", render(kind), re.MULTILINE)
    assert tables
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.strip().split("\n")}
        assert len(widths) == 1, table


def test_an_autoencoder_links_its_encoder_and_data_and_reports_its_fit():
    encoder = {"backbone": "TransformersText", "model": MINILM, "max_length": 64}
    data = metadata(render("sae", origin={**ORIGIN, "encoder": encoder}, license="mit"))
    assert data["base_model"] == MINILM
    assert data["datasets"] == ["zalandoresearch/fashion_mnist"]
    assert data["license"] == "mit"
    assert data["library_name"] == "hf-dynsel"
    _, results = model_index_to_eval_results(data["model-index"])
    found = {result.metric_type: result.metric_value for result in results}
    assert found == {"fvu": 0.1025, "l0": 31.75, "dead_share": 0.0039}
    assert {result.dataset_name for result in results} == {"Fashion-MNIST"}


def test_an_autoencoder_says_its_sizes_fit_and_units():
    text = render("sae")
    for fact in ("10,240", "1,280 dimensions", "| fvu | 0.1025 |", "| l0 | 31.75 |", "| 12,000 |"):
        assert fact in text
    for name, share in SAE_TRAINING["unit_frequency"].items():
        assert f"| {name} | {share:.4g} |" in text
    assert "`" + "ab" * 16 + "`" in text
    assert 'TimmImage(architecture="tf_efficientnet_lite0")' in text


def test_an_encoder_in_a_folder_is_no_base_model():
    encoder = {**IMAGES, "backbone": "TransformersText", "model": "model", "architecture": None}
    assert "base_model" not in metadata(render("sae", origin={**ORIGIN, "encoder": encoder}))


def test_an_unknown_encoder_is_not_built():
    text = render("sae", origin={**ORIGIN, "encoder": {"backbone": "os.system"}})
    assert "import os.system" not in text
    assert "# `featured` has a column `features`" in text


def test_adapters_say_classes_encoders_and_training():
    text, data = render("adapters"), metadata(render("adapters"))
    for fact in ("T-shirt/top, Trouser", "| temperature | 0.0525 |", "| texts cut | 25.0% |"):
        assert fact in text
    assert data["base_model"] == [MINILM]
    _, results = model_index_to_eval_results(data["model-index"])
    found = {result.metric_type: result.metric_value for result in results}
    assert found == {name: ADAPTER_TRAINING[name] for name in ("loss", "texts_cut")}


def test_many_classes_are_cut():
    names = [f"class {i}" for i in range(1000)]
    text = render("adapters", settings={**ADAPTERS, "classes": names, "words": names})
    assert "class 29, and 970 more" in text


def test_scores_say_their_columns_and_where_they_come_from():
    text, data = render("scores"), metadata(render("scores"))
    for fact in ("| `score_diversity` |", "| `row_hash` |", "| `label` |", "user/sae@1212"):
        assert fact in text
    assert data["license"] == "mit"
    assert data["task_categories"] == ["image-classification"]
    assert data["size_categories"] == ["10K<n<100K"]
    assert data["source_datasets"] == ["zalandoresearch/fashion_mnist"]
    assert data["pretty_name"] == "Scores of Fashion-MNIST"
    assert data["configs"] == [
        {"config_name": "default", "data_files": "scores.parquet", "default": True},
        {"config_name": "codes", "data_files": "codes.parquet"},
    ]
    assert "No text and no image of the data is in this repository." in text
    assert "![Histograms of the scores.](figures/scores.png)" in text


def test_scores_of_a_local_autoencoder_do_not_show_its_folder():
    entry = NOTES["scores"]["diversity"]
    local = {**entry, "sae": {"sae_fingerprint": "cd", "source": "/home/someone/sae"}}
    assert "someone" not in render("scores", notes={**NOTES, "scores": {"diversity": local}})


def test_scores_say_which_originals_are_with_them():
    text = render("scores", originals=["text"])
    assert "these columns are in this repository: text" in text
    assert "No text and no image" not in text


def test_a_recipe_is_in_a_block_as_it_is():
    recipe = "name: a\n# ``` a fence\nnotes: '<b>'\n"
    assert f"````yaml\n{recipe}````" in render("scores", recipe=recipe)


def test_the_sizes_of_the_hub():
    for rows, word in ((999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M")):
        data = metadata(render("scores", notes={**NOTES, "num_rows": rows}))
        assert data["size_categories"] == [word]


def test_a_licence_that_is_no_identifier_is_a_name():
    source = {**SOURCE, "license": "Ask the authors!"}
    data = metadata(render("scores", notes={**NOTES, "source": source}))
    assert (data["license"], data["license_name"]) == ("other", "Ask the authors!")


def test_a_selection_log_links_its_model_and_says_its_columns():
    text, data = render("selections", scores="user/scores"), metadata(render("selections"))
    assert "[user/run](https://huggingface.co/user/run)" in text
    assert "[user/scores](https://huggingface.co/datasets/user/scores)" in text
    for row in ("| 0 | 3,600 | 30.0% |", "| 2 | 12,000 | 100.0% |"):
        assert row in text
    assert "19,200 rows" in text
    assert data["configs"][0]["data_files"] == "selections.parquet"
    assert data["size_categories"] == ["10K<n<100K"]


def test_settings_without_a_needed_value_are_refused():
    settings = {name: value for name, value in SAE.items() if name != "k"}
    with pytest.raises(jinja2.UndefinedError, match="'k'"):
        render("sae", settings=settings)


def test_cards_say_nothing_of_this_machine():
    for kind in KINDS:
        assert str(Path.home()) not in render(kind)
