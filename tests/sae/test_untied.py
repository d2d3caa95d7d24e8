from pathlib import Path

import pytest
import torch

from foreign_sae_kit import model, rows, saelens, sparsify
from hf_dynsel.sae.untied import Untied, tie, untie

EXACT = {"rtol": 1e-12, "atol": 1e-12}


def test_the_biases_by_hand(build):
    """b = mean + b_d = (1, 2) + (3, 5), e = b_e + W b_d = (0.5 + 3, 0 + 2 * 5)."""
    sae = build([[1.0, 0.0], [0.0, 2.0]], [0.5, 0.0], [3.0, 5.0])
    sae.mean.copy_(torch.tensor([1.0, 2.0]))
    form = untie(sae)
    assert form.bias.tolist() == [4.0, 7.0]
    assert form.encoder_bias.tolist() == [3.5, 10.0]
    assert torch.equal(form.encoder, sae.weight)
    assert torch.equal(form.decoder, sae.weight)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_in_float64_the_function_is_the_same_to_the_last_digits(normalize, seed):
    sae, x = model(normalize, seed, torch.float64), rows(torch.float64)
    inputs = torch.nn.functional.normalize(x, dim=1) if normalize else x
    form = untie(sae)
    theirs = {
        "encoder.weight": form.encoder,
        "encoder.bias": form.encoder_bias,
        "W_dec": form.decoder,
        "b_dec": form.bias,
    }
    codes, reconstruction = sparsify({"k": 4}, theirs, inputs)
    torch.testing.assert_close(codes, sae.encode(x).dense(20).detach(), **EXACT)
    torch.testing.assert_close(reconstruction, (sae(x) + sae.mean).detach(), **EXACT)


@pytest.mark.parametrize("seed", range(3))
def test_in_float64_their_scaling_to_another_length_changes_no_code(seed):
    """SAELens scales to sqrt(d), and divides by it after the decoder: it reconstructs x itself."""
    sae, x = model(True, seed, torch.float64), rows(torch.float64)
    form = untie(sae).for_inputs_times(6**0.5)
    theirs = {
        "W_enc": form.encoder.T,
        "b_enc": form.encoder_bias,
        "W_dec": form.decoder,
        "b_dec": form.bias,
    }
    config = {"d_in": 6, "k": 4, "apply_b_dec_to_input": True}
    config |= {"rescale_acts_by_decoder_norm": False}
    codes, reconstruction = saelens(
        config | {"normalize_activations": "constant_norm_rescale"}, theirs, x
    )
    torch.testing.assert_close(codes, sae.encode(x).dense(20).detach(), **EXACT)
    ours = (sae(x) + sae.mean).detach() * x.norm(dim=1, keepdim=True)
    torch.testing.assert_close(reconstruction, ours, **EXACT)


@pytest.mark.parametrize("normalize", [True, False])
def test_tied_again_it_is_the_same_function(normalize):
    sae, x = model(normalize, 0, torch.float64), rows(torch.float64)
    back = tie(untie(sae), 4, normalize, Path("w"))
    assert back.config == sae.config
    torch.testing.assert_close(back.encode(x).dense(20), sae.encode(x).dense(20), **EXACT)
    torch.testing.assert_close(back(x) + back.mean, sae(x) + sae.mean, **EXACT)


@pytest.mark.parametrize("mode", ["signed", "abs"])
def test_a_model_that_keeps_negative_values_has_no_counterpart(mode):
    with pytest.raises(ValueError, match=f"topk_mode is '{mode}', which keeps negative values"):
        untie(model(topk_mode=mode))


@pytest.mark.parametrize("gap", [0.25, float("nan")])
def test_a_decoder_of_its_own_is_refused_with_the_difference(gap):
    encoder = torch.tensor([[1.0, -2.0], [0.5, 1.0]])
    decoder = encoder + torch.tensor([[0.0, 0.0], [gap, 0.0]])
    form = Untied(encoder, torch.zeros(2), decoder, torch.zeros(2))
    message = rf"decoder of w .* differ by up to {gap} where the largest weight is 2, .* 1e-05"
    with pytest.raises(ValueError, match=message):
        tie(form, 1, False, Path("w"))


def test_rounding_is_no_difference():
    encoder = torch.tensor([[1.0, -2.0], [0.5, 1.0]])
    form = Untied(encoder, torch.zeros(2), encoder * (1 + 1e-6), torch.zeros(2))
    assert torch.equal(tie(form, 1, False, Path("w")).weight, encoder)
