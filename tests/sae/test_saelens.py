import pytest
import torch

from foreign_sae_kit import model, read, rewrite, rows, saelens
from hf_dynsel.sae import load_saelens, save_saelens

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def codes_of(sae, x):
    return sae.encode(x).dense(sae.config.num_latents).detach()


def reconstruct(sae, x):
    """What we reconstruct, put back to the place and the length of the features."""
    length = x.norm(dim=1, keepdim=True) if sae.config.normalize else 1.0
    return (sae(x) + sae.mean).detach() * length


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_saelens_gives_the_same_codes_and_reconstructions(tmp_path, normalize, seed):
    sae, x = model(normalize, seed), rows()
    save_saelens(sae, tmp_path)
    codes, reconstruction = saelens(*read(tmp_path), x)
    torch.testing.assert_close(codes, codes_of(sae, x), **CLOSE)
    torch.testing.assert_close(reconstruction, reconstruct(sae, x), **CLOSE)


@pytest.mark.parametrize("normalize", [True, False])
def test_it_comes_back_as_the_same_function(tmp_path, normalize):
    sae, x = model(normalize), rows()
    save_saelens(sae, tmp_path)
    back = load_saelens(tmp_path)
    assert back.config == sae.config
    assert (back.summary, back.origin, back.source) == (None, None, str(tmp_path))
    torch.testing.assert_close(codes_of(back, x), codes_of(sae, x), **CLOSE)
    torch.testing.assert_close(reconstruct(back, x), reconstruct(sae, x), **CLOSE)


def test_the_files_are_those_of_its_layout(tmp_path):
    save_saelens(model(), tmp_path)
    config, tensors = read(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cfg.json", "sae_weights.safetensors"]
    assert config["architecture"] == "topk"
    assert config["normalize_activations"] == "constant_norm_rescale"
    assert config["metadata"]["sae_lens_version"] == "6.54.12"
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    assert shapes == {"W_enc": (6, 20), "W_dec": (20, 6), "b_enc": (20,), "b_dec": (6,)}


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("rescale", [True, False])
@pytest.mark.parametrize("subtract", [True, False])
def test_its_variants_of_the_forward_pass_are_taken_over(tmp_path, normalize, rescale, subtract):
    """With the rescaling on, a decoder row of length n stands for an encoder row times n."""
    save_saelens(model(normalize), tmp_path)
    config, tensors = read(tmp_path)
    changes = {"rescale_acts_by_decoder_norm": rescale, "apply_b_dec_to_input": subtract}
    lengths = torch.linspace(0.5, 2, 20) if rescale else torch.ones(20)
    norms = tensors["W_dec"].norm(dim=1) if rescale else torch.ones(20)
    decoder = tensors["W_dec"] * (lengths / norms)[:, None]
    encoder = tensors["W_enc"] / (lengths * norms)
    rewrite(tmp_path, changes, {"W_dec": decoder, "W_enc": encoder})
    x = rows()
    codes, reconstruction = saelens(*read(tmp_path), x)
    back = load_saelens(tmp_path)
    torch.testing.assert_close(codes_of(back, x), codes, **CLOSE)
    torch.testing.assert_close(reconstruct(back, x), reconstruction, **CLOSE)
    assert config["k"] == back.config.k


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "jumprelu"}, "architecture must be 'topk' .* got 'jumprelu'"),
        ({"architecture": "batchtopk"}, "architecture must be 'topk'"),
        ({"dtype": "bfloat16"}, "dtype must be 'float32' .* got 'bfloat16'"),
        ({"normalize_activations": "layer_norm"}, "normalize_activations must be 'none' or"),
        ({"normalize_activations": "expected_average_only_in"}, "normalize_activations must be"),
        ({"reshape_activations": "hook_z"}, "reshape_activations must be 'none' .* got 'hook_z'"),
        ({"apply_b_dec_to_input": 1}, "apply_b_dec_to_input must be True or False .* got 1"),
        ({"hook_head_index_out": 3}, r"unknown keys \['hook_head_index_out'\]"),
        ({"activation_fn_kwargs": {"k": 4}}, r"unknown keys \['activation_fn_kwargs'\]"),
        ({"k": 21}, "k is 21, but there are only 20 units"),
        ({"k": ...}, r"lacks the keys \['k'\]"),
        ({"d_in": "6"}, "input_dim must be an int, got '6'"),
        ({"d_sae": 10**12}, "asks for weights of more than 16 GiB"),
        ({"d_sae": 10**6}, r"'W_enc' .* has shape \(6, 20\), .* \(6, 1000000\)"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_ours_cannot_hold_is_refused_by_name(tmp_path, settings, message):
    save_saelens(model(), tmp_path)
    rewrite(tmp_path, settings, {})
    with pytest.raises(ValueError, match=message):
        load_saelens(tmp_path)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"W_dec": torch.ones(20, 6)}, "is not the transpose of its encoder: they differ by up"),
        ({"W_dec": torch.ones(20, 6).half()}, "'W_dec' .* has type F16, .* asks for F32"),
        ({"scaling_factor": torch.ones(20)}, "holds the tensors .* it is of another model"),
        ({"b_enc": None}, "holds the tensors"),
        ({"b_dec": torch.full((6,), torch.inf)}, "'b_dec' .* holds NaN or an infinity"),
    ],
)
def test_weights_that_ours_cannot_hold_are_refused(tmp_path, tensors, message):
    save_saelens(model(), tmp_path)
    rewrite(tmp_path, {}, tensors)
    with pytest.raises(ValueError, match=message):
        load_saelens(tmp_path)


def test_a_folder_without_the_files_is_explained(tmp_path):
    with pytest.raises(ValueError, match="has no cfg.json; a SAELens autoencoder is saved as"):
        load_saelens(tmp_path)


def test_one_of_several_models_is_read_from_the_hub(hub, tmp_path):
    sae, place = model(), tmp_path / "layer_3"
    save_saelens(sae, place)
    files = {f"layer_3/{path.name}": path.read_bytes() for path in place.iterdir()}
    commit = hub.add("alice/saes", files)
    loaded = load_saelens("alice/saes", subfolder="layer_3")
    assert loaded.source == f"alice/saes@{commit}"
    assert loaded.fingerprint() == load_saelens(tmp_path, subfolder="layer_3").fingerprint()
