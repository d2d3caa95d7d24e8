import pytest
import torch

from foreign_sae_kit import model, read, rewrite, rows, sparsify
from hf_dynsel.sae import load_sparsify, save_sparsify

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def inputs_of(sae, x):
    """What sparsify must be given: it scales nothing itself."""
    return torch.nn.functional.normalize(x, dim=1) if sae.config.normalize else x


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_sparsify_gives_the_same_codes_and_reconstructions(tmp_path, normalize, seed):
    sae, x = model(normalize, seed), rows()
    save_sparsify(sae, tmp_path)
    codes, reconstruction = sparsify(*read(tmp_path), inputs_of(sae, x))
    torch.testing.assert_close(codes, sae.encode(x).dense(20).detach(), **CLOSE)
    torch.testing.assert_close(reconstruction, (sae(x) + sae.mean).detach(), **CLOSE)


@pytest.mark.parametrize("normalize", [True, False])
def test_it_comes_back_as_the_same_function(tmp_path, normalize):
    sae, x = model(normalize), rows()
    save_sparsify(sae, tmp_path)
    back = load_sparsify(tmp_path)
    assert back.config == sae.config
    assert (back.summary, back.origin, back.source) == (None, None, str(tmp_path))
    torch.testing.assert_close(back.encode(x).dense(20), sae.encode(x).dense(20), **CLOSE)
    torch.testing.assert_close(back(x) + back.mean, sae(x) + sae.mean, **CLOSE)


def test_the_files_are_those_of_its_layout(tmp_path):
    save_sparsify(model(), tmp_path)
    config, tensors = read(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cfg.json", "sae.safetensors"]
    assert (config["d_in"], config["num_latents"], config["k"]) == (6, 20, 4)
    assert config["hf_dynsel"]["normalize"] is True
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    assert shapes == {
        "encoder.weight": (20, 6),
        "encoder.bias": (20,),
        "W_dec": (20, 6),
        "b_dec": (6,),
    }


def test_without_our_note_features_are_taken_as_they_are(tmp_path):
    save_sparsify(model(), tmp_path)
    rewrite(tmp_path, {"hf_dynsel": ...}, {})
    back, x = load_sparsify(tmp_path), rows()
    assert not back.config.normalize
    codes, _ = sparsify(*read(tmp_path), x)
    torch.testing.assert_close(back.encode(x).dense(20).detach(), codes, **CLOSE)


def test_its_defaults_give_the_number_of_units(tmp_path):
    """Without `num_latents`, three times six dimensions are eighteen units."""
    sae = model()
    save_sparsify(sae, tmp_path)
    _, tensors = read(tmp_path)
    cut = {name: t[:18] for name, t in tensors.items() if name != "b_dec"}
    rewrite(tmp_path, {"num_latents": 0, "expansion_factor": 3}, cut)
    assert load_sparsify(tmp_path).config.num_latents == 18


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"activation": "groupmax"}, "activation must be 'topk' .* got 'groupmax'"),
        ({"transcode": True}, "transcode must be False .* got True"),
        ({"skip_connection": True}, "skip_connection must be False .* got True"),
        ({"signed": True}, r"unknown keys \['signed'\]"),
        ({"d_in": ...}, r"lacks the keys \['d_in'\]"),
        ({"num_latents": "20"}, "num_latents must be an int, got '20'"),
        ({"num_latents": -20}, "num_latents must be at least 1, got -20"),
        ({"k": 21}, "k is 21, but there are only 20 units"),
        ({"hf_dynsel": 3}, "hf_dynsel must be an object, got 3"),
        ({"hf_dynsel": {"normalize": 1}}, "normalize must be true or false, got 1"),
        ({"num_latents": 10**12}, "asks for weights of more than 16 GiB"),
        ({"num_latents": 21}, r"'encoder.weight' .* has shape \(20, 6\), .* \(21, 6\)"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_ours_cannot_hold_is_refused_by_name(tmp_path, settings, message):
    save_sparsify(model(), tmp_path)
    rewrite(tmp_path, settings, {})
    with pytest.raises(ValueError, match=message):
        load_sparsify(tmp_path)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"W_dec": torch.ones(20, 6)}, "is not the transpose of its encoder: they differ by up"),
        ({"W_dec": torch.ones(20, 6).bfloat16()}, "'W_dec' .* has type BF16, .* asks for F32"),
        ({"W_skip": torch.ones(6, 6)}, "holds the tensors .* it is of another model"),
        ({"W_dec": None}, "holds the tensors"),
    ],
)
def test_weights_that_ours_cannot_hold_are_refused(tmp_path, tensors, message):
    save_sparsify(model(), tmp_path)
    rewrite(tmp_path, {}, tensors)
    with pytest.raises(ValueError, match=message):
        load_sparsify(tmp_path)


def test_one_hookpoint_is_read_from_the_hub(hub, tmp_path):
    place = tmp_path / "layers.3"
    save_sparsify(model(), place)
    files = {f"layers.3/{path.name}": path.read_bytes() for path in place.iterdir()}
    commit = hub.add("alice/saes", files)
    loaded = load_sparsify("alice/saes", subfolder="layers.3")
    assert loaded.source == f"alice/saes@{commit}"
    assert loaded.fingerprint() == load_sparsify(place).fingerprint()
