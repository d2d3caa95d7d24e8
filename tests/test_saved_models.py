"""What both kinds of models share: the files, their origin, and the way over the Hub and back."""

import dataclasses
import json

import pytest
import torch
from datasets import Dataset
from huggingface_hub import ModelCard

from adapter_kit import SAMPLES, TEXTS, names, table, texts
from hf_dynsel.features import AdapterConfig, Adapters, AdapterSummary, train_adapters
from hf_dynsel.hub import HubError
from hf_dynsel.origin import Origin, origin_of
from hf_dynsel.provenance import fingerprint, record
from hf_dynsel.sae import (
    SparseAutoencoder,
    SparseAutoencoderConfig,
    TrainingSummary,
    add_codes,
    train_sae,
)
from hub_kit import go_offline
from unchecked_kit import unchecked as unchecked

SOURCE = {"name": "Letters", "hub_id": "alice/letters", "license": "mit", "redistribution": True}
ORIGIN = Origin({**SOURCE, "fingerprint": "f1", "rows": 9}, SAMPLES, "0.1.0")
FREQUENCY = {"min": 0.0, "5%": 0.125, "median": 0.25, "95%": 0.5, "max": 1.0}


def autoencoder(seed=3) -> SparseAutoencoder:
    sae = SparseAutoencoder(SparseAutoencoderConfig(3, 6, 2), seed)
    sae.mean.copy_(torch.tensor([0.1, 0.2, 0.3]))
    sae.summary = TrainingSummary(9, 2, 4, 0.5, 0.25, 1.5, 0.0, FREQUENCY)
    sae.origin = ORIGIN
    return sae


def pair(seed=3) -> Adapters:
    called = {"classes": names(3), "words": names(3), "templates": ["a {}"]}
    encoders = {"sample_encoder": SAMPLES, "text_encoder": TEXTS}
    adapters = Adapters(AdapterConfig("mlp", 7, 4, **called, **encoders, seed=seed))
    adapters.summary = AdapterSummary(9, 2, 4, 0.5, 1.25, 0.0625)
    adapters.origin = ORIGIN
    return adapters


MODELS = pytest.mark.parametrize("make", [autoencoder, pair])


def require_equal(loaded, original):
    assert (loaded.config, loaded.summary) == (original.config, original.summary)
    assert loaded.origin == original.origin
    for name, tensor in original.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


@MODELS
def test_a_saved_model_knows_where_it_comes_from(make, tmp_path):
    make().save_pretrained(tmp_path)
    require_equal(type(make()).from_pretrained(tmp_path), make())
    origin = json.loads((tmp_path / "config.json").read_text())["origin"]
    assert origin["dataset"]["hub_id"] == "alice/letters"
    assert origin["encoder"]["backbone"] == "Camera"


@MODELS
def test_a_config_from_before_there_were_origins_still_loads(make, tmp_path):
    make().save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    settings = json.loads(path.read_text())
    del settings["origin"]
    settings["training"].pop("unit_frequency", None)
    path.write_text(json.dumps(settings))
    loaded = type(make()).from_pretrained(tmp_path)
    assert loaded.origin is None
    assert loaded.summary.num_items == 9


def without(place, key):
    origin = dataclasses.asdict(ORIGIN)
    if place:
        del origin[place][key]
    else:
        del origin[key]
    return origin


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ([], "must hold an object for Origin"),
        (dataclasses.asdict(ORIGIN) | {"code": "x"}, r"unknown keys \['code'\]"),
        (without(None, "encoder"), r"lacks the keys \['encoder'\]"),
        (without("dataset", "rows"), "origin.dataset.rows must be there, as int, got None"),
        (without("dataset", "fingerprint"), "origin.dataset.fingerprint must be there"),
        (dataclasses.asdict(ORIGIN) | {"dataset": 3}, "origin.dataset must be an object, got 3"),
        (dataclasses.asdict(ORIGIN) | {"encoder": "x"}, "origin.encoder must be an object"),
        (dataclasses.asdict(ORIGIN) | {"library_version": 1}, "must be a string, got 1"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_wrong_origin_is_refused_by_name(tmp_path, origin, message):
    autoencoder().save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"origin": origin}))
    with pytest.raises(ValueError, match=message):
        SparseAutoencoder.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("frequency", "message"),
    [
        (0.5, "unit_frequency must have the keys"),
        ({"min": 0.0}, "unit_frequency must have the keys"),
        (FREQUENCY | {"max": 1.5}, r"unit_frequency\['max'\] must be at most 1, got 1.5"),
        (FREQUENCY | {"5%": "few"}, r"unit_frequency\['5%'\] must be a number, got 'few'"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_wrong_unit_statistics_are_refused(frequency, message):
    with pytest.raises((TypeError, ValueError), match=message):
        dataclasses.replace(autoencoder().summary, unit_frequency=frequency)


def featured() -> Dataset:
    generator = torch.Generator().manual_seed(0)
    dataset = table(torch.randn(40, 4, generator=generator), [0, 1] * 20, 2)
    return record(dataset, "source", SOURCE)


def test_training_notes_the_data_and_the_encoder():
    dataset = featured()
    trained = [
        train_sae(dataset, expansion=2, k=2, epochs=1, progress=False),
        train_adapters(dataset, texts(torch.eye(2)), epochs=1, progress=False),
    ]
    for model in trained:
        data = {**SOURCE, "fingerprint": fingerprint(dataset), "rows": 40}
        assert model.origin.dataset == data
        assert model.origin.encoder == SAMPLES
        assert model.origin == origin_of(dataset)


def test_nothing_is_noted_of_an_array():
    array = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
    assert train_sae(array, expansion=2, k=2, epochs=1, progress=False).origin is None


def test_the_unit_statistics_are_those_of_the_codes():
    dataset = featured()
    sae = train_sae(dataset, expansion=2, k=2, epochs=1, progress=False)
    coded = add_codes(dataset, sae)
    active = torch.zeros(8)
    for units, values in zip(coded["sae_indices"], coded["sae_values"], strict=True):
        for unit, value in zip(units, values, strict=True):
            active[unit] += value > 0
    expected = torch.quantile(active / 40, torch.tensor([0, 0.05, 0.5, 0.95, 1]))
    shares = torch.tensor(list(sae.summary.unit_frequency.values()))
    torch.testing.assert_close(shares, expected)


@MODELS
def test_a_pushed_model_comes_back_bit_for_bit(hub, make):
    pushed = make().push_to_hub("alice/model")
    assert sorted(pushed.files) == ["README.md", "config.json", "model.safetensors"]
    loaded = type(make()).from_pretrained("alice/model")
    require_equal(loaded, make())
    assert loaded.source == f"alice/model@{pushed.commit}"
    assert loaded.fingerprint() == make().fingerprint()


@MODELS
def test_a_revision_stays_what_it_was(hub, make):
    first = make(seed=3).push_to_hub("alice/model")
    make(seed=4).push_to_hub("alice/model")
    kind = type(make())
    require_equal(kind.from_pretrained("alice/model", revision=first.commit), make(seed=3))
    require_equal(kind.from_pretrained("alice/model"), make(seed=4))


def test_a_branch_of_its_own_leaves_the_main_one_alone(hub):
    autoencoder(3).push_to_hub("alice/model")
    autoencoder(4).push_to_hub("alice/model", revision="wide")
    require_equal(SparseAutoencoder.from_pretrained("alice/model"), autoencoder(3))
    require_equal(SparseAutoencoder.from_pretrained("alice/model", "wide"), autoencoder(4))


@MODELS
def test_the_card_is_valid_and_says_where_the_model_comes_from(hub, make):
    make().push_to_hub("alice/model", license="mit")
    card = ModelCard(hub.repo("alice/model").at("main").files["README.md"].data.decode())
    card.validate()
    assert card.data.license == "mit"
    assert card.data.datasets == ["alice/letters"]
    assert "alice/model" in card.text


def test_a_dry_run_sends_nothing_and_lists_the_sizes(hub, tmp_path):
    planned = autoencoder().push_to_hub("alice/model", dry_run=True)
    assert planned.commit is None
    assert not hub.requests
    autoencoder().save_pretrained(tmp_path)
    assert planned.files["config.json"] == (tmp_path / "config.json").stat().st_size


def test_only_the_two_files_are_downloaded(hub):
    autoencoder().push_to_hub("alice/model")
    hub.add("alice/model", {"modeling.py": b"raise SystemExit", "pytorch_model.bin": b"x"})
    hub.requests.clear()
    SparseAutoencoder.from_pretrained("alice/model")
    files = {line.rsplit("/", 1)[-1] for line in hub.requests if "/resolve/" in line}
    assert files == {"config.json", "model.safetensors"}


def test_what_was_loaded_once_loads_without_a_network(hub, monkeypatch):
    commit = autoencoder().push_to_hub("alice/model").commit
    SparseAutoencoder.from_pretrained("alice/model")
    go_offline(monkeypatch)
    hub.requests.clear()
    for revision in (commit, None):
        require_equal(SparseAutoencoder.from_pretrained("alice/model", revision), autoencoder())
    assert not hub.requests


def test_a_model_that_moves_on_during_the_download_is_read_at_one_commit(hub):
    """The config and the weights of a push between the two downloads must not be mixed."""
    pushed = autoencoder(3).push_to_hub("alice/model")
    wider = SparseAutoencoder(SparseAutoencoderConfig(3, 9, 2))

    def move_on(reply):
        wider.push_to_hub("alice/model")
        return reply

    hub.alter(r"GET .*/resolve/.*/config\.json", move_on, times=1)
    loaded = SparseAutoencoder.from_pretrained("alice/model")
    require_equal(loaded, autoencoder(3))
    assert loaded.source == f"alice/model@{pushed.commit}"


def test_weights_larger_than_the_config_asks_for_are_not_downloaded(hub):
    autoencoder().push_to_hub("alice/model")
    hub.add("alice/model", {"model.safetensors": bytes(200_000)})
    hub.requests.clear()
    with pytest.raises(HubError, match=r"'model.safetensors' .* 200,000 bytes, more than"):
        SparseAutoencoder.from_pretrained("alice/model")
    assert not [line for line in hub.requests if "safetensors" in line and "resolve" in line]


def test_a_name_that_is_neither_a_folder_nor_an_id_is_explained(tmp_path):
    with pytest.raises(ValueError, match=r"there is no folder '.*there', and .* cannot be the id"):
        Adapters.from_pretrained(tmp_path / "not" / "there")


def test_a_push_needs_the_name_of_a_user():
    with pytest.raises(ValueError, match="'model' must be user/name"):
        autoencoder().push_to_hub("model", dry_run=True)


@MODELS
def test_a_model_of_unknown_origin_is_shared_too(hub, make):
    bare = type(make())(make().config)
    bare.push_to_hub("alice/model")
    require_equal(type(make()).from_pretrained("alice/model"), bare)
