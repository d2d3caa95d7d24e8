import json
import logging
import pickle
import sys

import numpy as np
import open_clip
import pytest
import torch
from datasets import Dataset
from PIL import Image
from safetensors.torch import save_file

from hf_dynsel.features import (
    OpenClipImage,
    OpenClipText,
    add_cosine,
    class_texts,
    extract,
    train_adapters,
)

TOWER = {"image_size": 16, "layers": 1, "width": 8, "head_width": 4, "patch_size": 8}
TEXT = {"context_length": 6, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    """Registers `tiny-text-clip`, which has CLIP's own tokenizer; returns random weights of it."""
    folder = tmp_path_factory.mktemp("clip")
    config = {"embed_dim": 6, "vision_cfg": TOWER, "text_cfg": TEXT}
    (folder / "tiny-text-clip.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "tiny-text-clip.json")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.create_model("tiny-text-clip")
    save_file(model.state_dict(), folder / "tiny.safetensors")
    return str(folder / "tiny.safetensors")


@pytest.fixture
def backbone(checkpoint) -> OpenClipText:
    return OpenClipText("tiny-text-clip", checkpoint)


def texts(*lines) -> Dataset:
    return Dataset.from_dict({"text": list(lines)})


def test_features_are_the_projected_text_embeddings(checkpoint, backbone, tmp_path):
    model = open_clip.create_model("tiny-text-clip", checkpoint).eval()
    tokens = open_clip.get_tokenizer("tiny-text-clip")(["a cat", "dog"])
    with torch.no_grad():
        expected = model.encode_text(tokens)
    got = extract(texts("a cat", "dog"), backbone, cache_dir=tmp_path)
    assert backbone.dim == 6
    np.testing.assert_allclose(got["features"][:], expected, rtol=1e-5, atol=1e-6)


def test_the_share_of_cut_texts_is_measured_and_logged(backbone, caplog):
    """Six tokens, two of them marks: `a b c d` fits, a fifth letter does not."""
    with caplog.at_level(logging.WARNING, logger="hf_dynsel.features"):
        backbone.prepare(texts("", "a b c d", "a b c d e", "a b c d e f g"))
    assert backbone.share_cut == 0.5
    assert "50.0 % of the texts are cut after 6 tokens (measured on 4 texts)" in caplog.text


def test_a_cut_text_has_the_features_of_its_beginning(backbone, tmp_path):
    got = extract(texts("a b c d", "a b c d e f"), backbone, cache_dir=tmp_path)
    whole, cut = got["features"][:]
    assert whole == cut


def test_texts_that_fit_are_not_reported(backbone, caplog):
    backbone.prepare(texts("a", "a b"))
    assert backbone.share_cut == 0
    assert not caplog.text


class Endless:
    """A tokenizer without an end mark: one token per letter, 0 for padding."""

    context_length = 3

    def __call__(self, lines, length=3):
        return torch.tensor([[*map(ord, line), *[0] * length][:length] for line in lines])


class Closing(Endless):
    """A tokenizer whose end mark is its padding."""

    def __call__(self, lines, length=3):
        return super().__call__([line[: length - 1] for line in lines], length)


@pytest.mark.parametrize(("tokenizer", "fits"), [(Endless(), "abc"), (Closing(), "ab")])
def test_cuts_are_seen_with_any_end_mark(tokenizer, fits):
    backbone = OpenClipText()
    backbone.__dict__["_tokenizer"] = tokenizer
    backbone.prepare(texts("", fits, fits + "d", fits + "de"))
    assert backbone.share_cut == 0.5


def test_identity_is_stable_and_shares_the_weights_of_the_image_tower(checkpoint, backbone):
    one, two = backbone.identity(), OpenClipText("tiny-text-clip", checkpoint).identity()
    image = OpenClipImage("tiny-text-clip", checkpoint).identity()
    assert json.loads(json.dumps(one)) == one == two
    assert one["weights"] == image["weights"]
    assert one["context_length"] == 6


def test_the_collate_function_survives_pickling_without_the_weights(backbone):
    rows = [{"text": "a cat"}, {"text": "dog"}]
    pickled = pickle.dumps(backbone.collate)
    assert len(pickled) < 4_000_000
    assert torch.equal(pickle.loads(pickled)(rows)["tokens"], backbone.collate(rows)["tokens"])


def test_the_global_random_stream_stays_untouched(backbone):
    state = torch.get_rng_state()
    backbone.prepare(texts("a"))
    backbone.identity()
    assert torch.equal(torch.get_rng_state(), state)


def test_without_open_clip_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(ImportError, match=r"'open_clip'.*hf-dynsel\[clip\]"):
        OpenClipText().identity()


def test_untrained_adapters_between_the_two_towers_are_plain_clip(checkpoint, backbone, tmp_path):
    """The cosine of an image with the text of its class, as open_clip itself computes it."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3), dtype=np.uint8)
    pictures = Dataset.from_dict(
        {"image": [Image.fromarray(p) for p in pixels], "label": ["cat", "dog", "dog", "cat"]}
    ).class_encode_column("label")
    image = OpenClipImage("tiny-text-clip", checkpoint)
    featured = extract(pictures, image, cache_dir=tmp_path)
    words = class_texts(["cat", "dog"], backbone, templates=["a {}"])
    adapters = train_adapters(featured, words, epochs=0, progress=False)
    got = add_cosine(featured, adapters)["features_cosine"][:]

    model = open_clip.create_model("tiny-text-clip", checkpoint).eval()
    with torch.no_grad():
        seen = model.encode_image(image.collate(list(pictures))["pixel_values"], normalize=True)
        read = model.encode_text(open_clip.get_tokenizer("tiny-text-clip")(["a cat", "a dog"]))
    expected = (seen * torch.nn.functional.normalize(read)[[0, 1, 1, 0]]).sum(1)
    np.testing.assert_allclose(got, expected, atol=1e-5)
