import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig, TrainingSummary

CONFIG = SparseAutoencoderConfig(3, 6, 2, "abs", normalize=False)


@pytest.fixture
def saved(tmp_path) -> Path:
    sae = SparseAutoencoder(CONFIG, seed=3)
    sae.mean.copy_(torch.tensor([0.1, 0.2, 0.3]))
    sae.summary = TrainingSummary(9, 2, 4, 0.5, 0.25, 1.5, 0.0)
    sae.save_pretrained(tmp_path / "sae")
    return tmp_path / "sae"


def edit(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def stored(path):
    return {name: tensor.clone() for name, tensor in load_file(path).items()}


def rewrite(path, tensors):
    path.unlink()  # the file may still be mapped into memory
    save_file(tensors, path)


def test_a_saved_model_comes_back_bit_for_bit(saved):
    original = SparseAutoencoder(CONFIG, seed=3)
    original.mean.copy_(torch.tensor([0.1, 0.2, 0.3]))
    loaded = SparseAutoencoder.from_pretrained(saved)
    assert loaded.config == CONFIG
    assert loaded.summary == TrainingSummary(9, 2, 4, 0.5, 0.25, 1.5, 0.0)
    assert loaded.source == str(saved)
    assert loaded.fingerprint() == original.fingerprint()
    for name, tensor in original.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_the_folder_holds_json_and_safetensors_alone(saved):
    assert sorted(p.name for p in saved.iterdir()) == ["config.json", "model.safetensors"]
    settings = json.loads((saved / "config.json").read_text())
    assert settings["num_latents"] == 6
    assert settings["training"]["fvu"] == 0.25


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(ValueError, match=f"has no {name}"):
        SparseAutoencoder.from_pretrained(saved)


@pytest.mark.parametrize("keep", [0, 4, 40, -8])
def test_truncated_weights_are_refused(saved, keep):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        SparseAutoencoder.from_pretrained(saved)


def test_a_pickle_in_place_of_the_weights_is_refused(saved):
    torch.save({"weight": torch.zeros(6, 3)}, saved / "model.safetensors")
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        SparseAutoencoder.from_pretrained(saved)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"input_dim": 3', "is not JSON"),
        ("\udcff", "is not JSON"),
        ("[]", "must hold one JSON object, got a list"),
    ],
)
def test_a_broken_config_is_refused(saved, text, message):
    (saved / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=message):
        SparseAutoencoder.from_pretrained(saved)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": "2"}, "k must be an int, got '2'"),
        ({"k": True}, "k must be an int, got True"),
        ({"k": 7}, "k is 7, but there are only 6 units"),
        ({"num_latents": -6}, "num_latents must be at least 1, got -6"),
        ({"topk_mode": "top"}, "topk_mode must be one of"),
        ({"normalize": 1}, "normalize must be true or false, got 1"),
        ({"decoder": "untied"}, r"unknown keys \['decoder'\]"),
        ({"training": {"fvu": 0.1}}, "lacks the keys"),
        ({"training": 3}, "must hold an object for TrainingSummary, got 3"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_config_with_a_wrong_value_is_refused_by_name(saved, settings, message):
    edit(saved, **settings)
    with pytest.raises(ValueError, match=message):
        SparseAutoencoder.from_pretrained(saved)


@pytest.mark.usefixtures("unchecked")
def test_a_training_summary_with_a_wrong_value_is_refused(saved):
    training = json.loads((saved / "config.json").read_text())["training"]
    edit(saved, training=training | {"fvu": "low"})
    with pytest.raises(ValueError, match="fvu must be a number, got 'low'"):
        SparseAutoencoder.from_pretrained(saved)


def test_a_config_that_lacks_a_key_is_refused(saved):
    (saved / "config.json").write_text('{"input_dim": 3, "k": 2}')
    with pytest.raises(ValueError, match=r"lacks the keys \['num_latents'\]"):
        SparseAutoencoder.from_pretrained(saved)


def test_a_config_of_another_model_is_refused_before_its_size_is_allocated(saved):
    edit(saved, num_latents=10**9)
    with pytest.raises(ValueError, match=r"shape \(6, 3\), .* \(1000000000, 3\)"):
        SparseAutoencoder.from_pretrained(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": torch.zeros(6, 4)}, r"'weight' .* has shape \(6, 4\), .* asks for \(6, 3\)"),
        ({"mean": torch.zeros(3).half()}, "'mean' .* has type F16, .* asks for F32"),
        ({"extra": torch.zeros(1)}, "holds the tensors .* it is of another model"),
        ({"mean": torch.tensor([0.0, float("nan"), 0.0])}, "'mean' .* holds NaN or an infinity"),
    ],
)
def test_tensors_that_do_not_fit_the_config_are_refused(saved, changes, message):
    path = saved / "model.safetensors"
    rewrite(path, stored(path) | changes)
    with pytest.raises(ValueError, match=message):
        SparseAutoencoder.from_pretrained(saved)


def test_a_missing_tensor_is_refused(saved):
    path = saved / "model.safetensors"
    tensors = stored(path)
    del tensors["encoder_bias"]
    rewrite(path, tensors)
    with pytest.raises(ValueError, match="holds the tensors"):
        SparseAutoencoder.from_pretrained(saved)
