import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapter_kit import SAMPLES, TEXTS, names
from hf_dynsel.features import AdapterConfig, Adapters, AdapterSummary

SUMMARY = AdapterSummary(9, 2, 4, 0.5, 1.25, 0.0625)
PLACES = {"classes": tuple(names(3)), "words": names(3), "templates": ["a {}"]}
ENCODERS = {"sample_encoder": SAMPLES, "text_encoder": TEXTS}
KINDS = ["linear", "mlp"]


def config(kind="linear", sample_dim=4, text_dim=4, seed=0) -> AdapterConfig:
    return AdapterConfig(kind, sample_dim, text_dim, **PLACES, **ENCODERS, seed=seed)


def random_pair(settings: AdapterConfig) -> Adapters:
    adapters = Adapters(settings)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for tensor in adapters.state_dict().values():
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
    return adapters


@pytest.mark.parametrize("kind", KINDS)
def test_between_encoders_of_one_dimension_untrained_adapters_change_nothing(kind):
    """(3, 4) and (4, 3) have the cosine 24 / 25, (3, 4) and (0, 2) have 4 / 5."""
    plain = {"classes": names(2), "words": names(2), "templates": ["a {}"]}
    adapters = Adapters(AdapterConfig(kind, 2, 2, **plain, **ENCODERS))
    adapters.class_texts.copy_(torch.tensor([[4.0, 3.0], [0.0, 2.0]]))
    torch.testing.assert_close(
        adapters(torch.tensor([[3.0, 4.0]])).detach(), torch.tensor([[0.96, 0.8]])
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("sample_dim", "text_dim"), [(7, 3), (3, 7)])
def test_unlike_dimensions_start_with_orthonormal_rows_or_columns(kind, sample_dim, text_dim):
    adapters = Adapters(config(kind, sample_dim, text_dim))
    weight = adapters.samples.linear.weight.detach()
    short = weight @ weight.T if text_dim < sample_dim else weight.T @ weight
    torch.testing.assert_close(short, torch.eye(3), atol=1e-6, rtol=0)
    features = torch.randn(2, sample_dim, generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.normalize(features @ weight.T, dim=1)
    torch.testing.assert_close(adapters.adapt_samples(features).detach(), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_texts_keep_their_angles_at_the_start(kind):
    adapters = Adapters(config(kind, 7, 4))
    adapters.class_texts.copy_(torch.eye(4)[:3] * 2)
    torch.testing.assert_close(adapters.adapt_classes().detach(), torch.eye(4)[:3])


def test_features_are_compared_by_direction_only():
    adapters = random_pair(config("mlp"))
    features = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(adapters(features), adapters(10 * features))


def test_the_seed_settles_the_start_and_global_random_numbers_play_no_part():
    state = torch.get_rng_state()
    first, same, other = (Adapters(config("mlp", 7, 3, seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.samples.linear.weight, same.samples.linear.weight)
    assert not torch.equal(first.samples.linear.weight, other.samples.linear.weight)


@pytest.fixture
def saved(tmp_path) -> Path:
    adapters = random_pair(config("mlp", 7, 4, seed=3))
    adapters.summary = SUMMARY
    adapters.save_pretrained(tmp_path / "adapters")
    return tmp_path / "adapters"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sample_dim", [4, 7])
def test_saved_adapters_come_back_bit_for_bit(tmp_path, kind, sample_dim):
    original = random_pair(config(kind, sample_dim, seed=3))
    original.summary = SUMMARY
    original.save_pretrained(tmp_path)
    loaded = Adapters.from_pretrained(tmp_path)
    assert (loaded.config, loaded.summary) == (original.config, SUMMARY)
    assert loaded.source == str(tmp_path)
    assert loaded.fingerprint() == original.fingerprint()
    assert loaded.state_dict().keys() == original.state_dict().keys()
    for name, tensor in original.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_untrained_adapters_come_back_without_a_summary(tmp_path):
    Adapters(config()).save_pretrained(tmp_path)
    assert Adapters.from_pretrained(tmp_path).summary is None


def test_other_weights_or_classes_have_another_fingerprint():
    called = {**PLACES, "classes": ["a", "b", "c"]}
    renamed = AdapterConfig("linear", 4, 4, **called, **ENCODERS)
    pairs = [Adapters(config()), random_pair(config()), Adapters(renamed)]
    assert len({pair.fingerprint() for pair in pairs}) == 3


def test_the_folder_holds_json_and_safetensors_alone(saved):
    assert sorted(p.name for p in saved.iterdir()) == ["config.json", "model.safetensors"]
    settings = json.loads((saved / "config.json").read_text())
    assert settings["classes"] == names(3)
    assert settings["sample_encoder"]["preprocessing"] == {"input_size": [3, 8, 8]}
    assert settings["training"]["loss"] == 1.25


def edit(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(ValueError, match=f"has no {name}; a pair of adapters is saved as"):
        Adapters.from_pretrained(saved)


@pytest.mark.parametrize("keep", [0, 4, 40, -8])
def test_truncated_weights_are_refused(saved, keep):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        Adapters.from_pretrained(saved)


def test_a_pickle_in_place_of_the_weights_is_refused(saved):
    torch.save({"log_scale": torch.zeros(())}, saved / "model.safetensors")
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        Adapters.from_pretrained(saved)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind": "mlp"', "is not JSON"),
        ("\udcff", "is not JSON"),
        ("[]", "must hold one JSON object, got a list"),
        ('{"kind": "mlp"}', r"lacks the keys \['classes', 'sample_dim', "),
    ],
)
def test_a_broken_config_is_refused(saved, text, message):
    (saved / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=message):
        Adapters.from_pretrained(saved)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "deep"}, "kind: Input should be 'linear' or 'mlp', got 'deep'"),
        ({"sample_dim": "7"}, "sample_dim: Input should be a valid integer, got '7'"),
        ({"text_dim": 0}, "text_dim must be at least 1, got 0"),
        ({"classes": "cat"}, "classes: .*got 'cat'"),
        ({"classes": [1, 2, 3]}, "classes: Input should be a valid string"),
        ({"classes": [], "words": []}, "classes must not be empty"),
        ({"words": ["a"]}, "words must be one for each of the 3 classes, got 1"),
        ({"sample_encoder": None}, "sample_encoder: Input should be"),
        ({"bias": True}, r"unknown keys \['bias'\]"),
        ({"training": {"loss": 0.1}}, "lacks the keys"),
        ({"training": 3}, "must hold an object for AdapterSummary, got 3"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_config_with_a_wrong_value_is_refused_by_name(saved, settings, message):
    edit(saved, **settings)
    with pytest.raises(ValueError, match=message):
        Adapters.from_pretrained(saved)


@pytest.mark.parametrize(
    ("loss", "message"),
    [("low", "loss: Input should be a valid number, got 'low'"), (-1, "loss must be finite")],
)
@pytest.mark.usefixtures("unchecked")
def test_a_summary_with_a_wrong_value_is_refused(saved, loss, message):
    training = json.loads((saved / "config.json").read_text())["training"]
    edit(saved, training=training | {"loss": loss})
    with pytest.raises(ValueError, match=message):
        Adapters.from_pretrained(saved)


def test_a_config_of_another_model_is_refused_before_its_size_is_allocated(saved):
    edit(saved, sample_dim=10**8)
    with pytest.raises(ValueError, match=r"shape \(4, 7\), .* \(4, 100000000\)"):
        Adapters.from_pretrained(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_texts": torch.zeros(2, 4)}, r"'class_texts' .* has shape \(2, 4\), .* \(3, 4\)"),
        ({"log_scale": torch.zeros(()).half()}, "'log_scale' .* has type F16, .* asks for F32"),
        ({"extra": torch.zeros(1)}, "holds the tensors .* it is of another model"),
        ({"texts.linear.bias": torch.full((4,), torch.nan)}, "'texts.linear.bias' .* holds NaN"),
    ],
)
def test_tensors_that_do_not_fit_the_config_are_refused(saved, changes, message):
    path = saved / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()} | changes
    path.unlink()  # the file may still be mapped into memory
    save_file(tensors, path)
    with pytest.raises(ValueError, match=message):
        Adapters.from_pretrained(saved)
