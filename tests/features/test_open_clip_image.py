import json
import pickle
import sys

import numpy as np
import open_clip
import pytest
import torch
from datasets import Dataset
from PIL import Image
from safetensors.torch import save_file

from hf_dynsel.features import OpenClipImage, extract

TOWER = {"image_size": 16, "layers": 1, "width": 8, "head_width": 4, "patch_size": 8}
TEXT = {"context_length": 8, "vocab_size": 16, "width": 8, "heads": 2, "layers": 1}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    """Registers the architecture `tiny-clip`; returns random weights of it."""
    folder = tmp_path_factory.mktemp("clip")
    config = {"embed_dim": 6, "vision_cfg": TOWER, "text_cfg": TEXT}
    (folder / "tiny-clip.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "tiny-clip.json")
    save_file(open_clip.create_model("tiny-clip").state_dict(), folder / "tiny.safetensors")
    return str(folder / "tiny.safetensors")


@pytest.fixture
def noise() -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 20, 24), dtype=np.uint8)
    return Dataset.from_dict({"image": [Image.fromarray(picture) for picture in pixels]})


def test_features_are_the_projected_image_embeddings(checkpoint, noise, tmp_path):
    model, _, transform = open_clip.create_model_and_transforms("tiny-clip", checkpoint)
    with torch.no_grad():
        inputs = torch.stack([transform(image.convert("RGB")) for image in noise["image"]])
        expected = model.eval().encode_image(inputs)
    backbone = OpenClipImage("tiny-clip", checkpoint)
    got = extract(noise, backbone, cache_dir=tmp_path)
    assert backbone.dim == 6
    np.testing.assert_allclose(got["features"][:], expected, rtol=1e-5, atol=1e-6)


def test_identity_is_stable_and_follows_the_weights(checkpoint, tmp_path):
    torch.save(open_clip.create_model("tiny-clip").state_dict(), tmp_path / "other.pt")
    one, two = (OpenClipImage("tiny-clip", checkpoint).identity() for _ in range(2))
    other = OpenClipImage("tiny-clip", str(tmp_path / "other.pt")).identity()
    assert json.loads(json.dumps(one)) == one == two
    assert {key for key in one if one[key] != other[key]} == {"weights"}


def test_a_tag_trained_with_quickgelu_gets_it(checkpoint, monkeypatch):
    """Plain names such as ViT-L-14 mean GELU, and openai's weights would run with it."""
    tag = {"quick_gelu": True, "mean": (0.0, 0.0, 0.0)}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda model, name: tag)
    backbone = OpenClipImage("tiny-clip", checkpoint)
    names = {type(part).__name__ for part in backbone.module.modules()}
    assert "QuickGELU" in names
    assert "GELU" not in names


def test_the_default_model_and_tag_agree_on_the_activation():
    assert open_clip.get_pretrained_cfg("ViT-L-14", "openai")["quick_gelu"]
    assert not open_clip.get_model_config("ViT-L-14").get("quick_gelu", False)


def test_the_collate_function_survives_pickling_without_the_weights(checkpoint, noise):
    backbone = OpenClipImage("tiny-clip", checkpoint)
    pickled = pickle.dumps(backbone.collate)
    assert len(pickled) < 10_000
    rows = list(noise)
    expected = backbone.collate(rows)["pixel_values"]
    assert torch.equal(pickle.loads(pickled)(rows)["pixel_values"], expected)


def test_the_global_random_stream_stays_untouched(checkpoint):
    state = torch.get_rng_state()
    OpenClipImage("tiny-clip", checkpoint).identity()
    assert torch.equal(torch.get_rng_state(), state)


def test_without_open_clip_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(ImportError, match=r"'open_clip'.*hf-dynsel\[clip\]"):
        OpenClipImage().identity()
