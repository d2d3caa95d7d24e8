import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig, SparseCodes, model
from hf_dynsel.sae.sparse import sums_by_unit, top_units
from hf_dynsel.sae.train import descend

E1 = ([[1.0, 0.0], [-1.0, -0.5], [0.0, 1.0], [0.5, -0.5]], [0.0, 0.1, -0.2, 0.0], [0.1, -0.1])
X1 = torch.tensor([[0.9, 0.6]])


@pytest.mark.parametrize(
    ("mode", "k", "code", "reconstruction", "loss"),
    [
        ("abs", 2, [0.9, -1.1, 0.0, 0.0], [2.1, 0.45], 1.4625),
        ("signed", 2, [0.9, 0.0, 0.4, 0.0], [1.0, 0.3], 0.1),
        ("relu", 2, [0.9, 0.0, 0.4, 0.0], [1.0, 0.3], 0.1),
        ("signed", 4, [0.9, -1.1, 0.4, 0.15], [2.175, 0.775], 1.65625),
        ("relu", 4, [0.9, 0.0, 0.4, 0.15], [1.075, 0.225], 0.17125),
    ],
)
def test_the_three_readings_of_top_k_by_hand(build, mode, k, code, reconstruction, loss):
    """W x + b = [.9, -1.1, .4, .15]; 'abs' spends a slot on -1.1, which is no active unit."""
    sae = build(*E1, k=k, mode=mode)
    codes, decoded = sae.encode(X1), sae(X1)
    torch.testing.assert_close(codes.dense(4), torch.tensor([code]))
    torch.testing.assert_close(decoded, torch.tensor([reconstruction]))
    assert (X1 - decoded).square().sum().item() == pytest.approx(loss, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["relu", "abs", "signed"]))
@settings(max_examples=50, deadline=None)
def test_where_units_tie_the_lower_index_is_kept(seed, mode):
    rng = np.random.default_rng(seed)
    pre = rng.integers(-3, 4, (20, 12)).astype(np.float32)
    k = int(rng.integers(1, 13))
    kept = top_units(torch.from_numpy(pre), k, mode).numpy()
    key = np.abs(pre) if mode == "abs" else pre
    by_hand = np.argsort(-key, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(np.sort(kept, 1), np.sort(by_hand, 1))


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_looking_at_groups_of_units_first_changes_nothing(seed, k):
    """Of 96 units, 12 groups of 8 are looked at; small integers tie within and between groups."""
    pre = np.random.default_rng(seed).integers(-9, 9, (20, 96)).astype(np.float32)
    kept = top_units(torch.from_numpy(pre), k, "relu").numpy()
    by_hand = np.argsort(-pre, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(np.sort(kept, 1), np.sort(by_hand, 1))


def random_model(mode="relu", dtype=torch.float64):
    sae = SparseAutoencoder(SparseAutoencoderConfig(5, 12, 3, mode), seed=1).to(dtype)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in (sae.encoder_bias, sae.decoder_bias, sae.mean):
            parameter.normal_(0, 0.1, generator=generator)
    return sae, torch.randn(9, 5, generator=generator, dtype=dtype)


def dense_forward(sae, features):
    """The same model in dense algebra alone."""
    inputs = torch.nn.functional.normalize(features, dim=1) - sae.mean
    pre = inputs @ sae.weight.T + sae.encoder_bias
    key = pre.abs() if sae.config.topk_mode == "abs" else pre
    mask = torch.zeros_like(pre).scatter(1, key.topk(sae.config.k, dim=1).indices, 1.0)
    codes = pre * mask
    codes = codes.relu() if sae.config.topk_mode == "relu" else codes
    return inputs, codes, codes @ sae.weight + sae.decoder_bias


@pytest.mark.parametrize("mode", ["relu", "abs", "signed"])
def test_sparse_codes_and_decoder_equal_dense_algebra(mode):
    sae, features = random_model(mode)
    inputs, codes, reconstruction = dense_forward(sae, features)
    torch.testing.assert_close(sae.standardize(features), inputs)
    torch.testing.assert_close(sae.encode(features).dense(12), codes)
    torch.testing.assert_close(sae(features), reconstruction)


@pytest.mark.parametrize("mode", ["relu", "abs", "signed"])
def test_sparse_gradients_equal_those_of_dense_autograd(mode):
    sae, features = random_model(mode)
    features.requires_grad_()
    wanted = [*sae.parameters(), features]
    inputs, _, reconstruction = dense_forward(sae, features)
    dense = torch.autograd.grad((inputs - reconstruction).square().sum(), wanted)
    ours = torch.autograd.grad((sae.standardize(features) - sae(features)).square().sum(), wanted)
    for one, other in zip(ours, dense, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("mode", ["relu", "abs", "signed"])
def test_a_training_step_takes_the_gradients_of_dense_autograd(mode):
    sae, features = random_model(mode)
    inputs, _, reconstruction = dense_forward(sae, features)
    loss = (inputs - reconstruction).square().sum(1).mean()
    dense = torch.autograd.grad(loss, [*sae.parameters()])
    codes = sae.codes(sae.standardize(features), torch.empty(9, 12, dtype=features.dtype))
    torch.testing.assert_close(descend(sae, inputs.detach(), codes), reconstruction.detach())
    for parameter, gradient in zip(sae.parameters(), dense, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


@pytest.mark.parametrize("whole", [True, False])
def test_answers_ranked_in_pieces_give_the_same_codes(monkeypatch, whole):
    sae, features = random_model()
    inputs, table = sae.standardize(features), torch.zeros(10, 12, dtype=features.dtype)
    once = sae.encode(features)
    monkeypatch.setattr(model, "CACHED", 2 * 12)
    codes = sae.codes(inputs, table, whole)
    torch.testing.assert_close(codes.dense(12), once.dense(12).detach())
    filled = table.any(1).sum()
    assert filled == (9 if whole else 2)


def test_gradcheck_passes_through_encoder_and_decoder():
    sae, features = random_model()
    features.requires_grad_()
    assert torch.autograd.gradcheck(lambda *_: sae(features), (features, *sae.parameters()))


def test_decoding_touches_only_the_rows_of_kept_units(build):
    """A row that no code names may hold NaN: dense algebra would spread it (0 x NaN = NaN)."""
    sae = build([[1.0, 0.0], [float("nan"), float("nan")]])
    codes = SparseCodes(torch.tensor([[2.0]]), torch.tensor([[0]]))
    torch.testing.assert_close(sae.decode(codes), torch.tensor([[2.0, 0.0]]))


def test_sums_by_unit_include_units_without_items():
    inputs = torch.tensor([[1.0], [10.0]])
    sums = sums_by_unit(torch.tensor([[3, 1], [3, 0]]), 5, (torch.ones(2, 2), inputs))
    assert sums.flatten().tolist() == [10.0, 1.0, 0.0, 11.0, 0.0]


def test_new_weights_are_unit_rows_of_a_seed_and_leave_global_random_numbers_alone():
    config = SparseAutoencoderConfig(8, 32, 4)
    before = torch.get_rng_state()
    first, same, other = (SparseAutoencoder(config, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(first.weight.norm(dim=1), torch.ones(32))
    assert torch.equal(first.weight, same.weight)
    assert not torch.equal(first.weight, other.weight)
    assert not first.decoder_bias.any()


def test_inputs_are_scaled_to_unit_length_before_centring():
    sae = SparseAutoencoder(SparseAutoencoderConfig(2, 4, 1))
    sae.mean.copy_(torch.tensor([0.1, 0.2]))
    standardized = sae.standardize(torch.tensor([[3.0, 4.0]]))
    torch.testing.assert_close(standardized, torch.tensor([[0.5, 0.6]]))


def test_fingerprint_tells_weights_and_configs_apart(build):
    same, again = build([[1.0], [2.0]]), build([[1.0], [2.0]])
    assert same.fingerprint() == again.fingerprint()
    assert same.fingerprint() != build([[1.0], [3.0]]).fingerprint()
    assert same.fingerprint() != build([[1.0], [2.0]], mode="abs").fingerprint()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((4, 8, 9), "k is 9, but there are only 8 units"),
        ((4, 8, 0), "k must be at least 1, got 0"),
        ((4, 8, 2, "top"), "topk_mode must be one of"),
        ((4, True, 1), "num_latents must be an int, got True"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_config_out_of_range_is_refused(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        SparseAutoencoderConfig(*settings)
