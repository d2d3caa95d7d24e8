import json

import numpy as np
import pytest
import torch
from datasets import Dataset, Features, List, Value

from hf_dynsel.feature_rows import feature_rows
from hf_dynsel.sae import SparseAutoencoder, batches, train_sae


def planted(items=3000, dim=16, atoms=32, seed=0):
    """Unit atoms, and items that are sums of two of them with weights from 0.5 to 1.5."""
    rng = np.random.default_rng(seed)
    dictionary = rng.standard_normal((atoms, dim)).astype(np.float32)
    dictionary /= np.linalg.norm(dictionary, axis=1, keepdims=True)
    chosen = np.argsort(rng.random((items, atoms)), axis=1)[:, :2]
    weights = rng.uniform(0.5, 1.5, (items, 2, 1)).astype(np.float32)
    return dictionary, (dictionary[chosen] * weights).sum(1)


SMALL = np.random.default_rng(5).standard_normal((40, 4)).astype(np.float32)
QUICK = {"expansion": 4, "k": 2, "epochs": 3, "batch_size": 16, "progress": False}


def test_training_explains_a_sparse_dictionary_and_finds_its_atoms():
    dictionary, features = planted()
    untrained = train_sae(features, expansion=4, k=2, epochs=1, learning_rate=1e-9, progress=False)
    sae = train_sae(features, expansion=4, k=2, batch_size=128, epochs=30, progress=False)
    units = torch.nn.functional.normalize(sae.weight.detach(), dim=1).numpy()
    found = (dictionary @ units.T).max(axis=1)
    assert untrained.summary.fvu > 0.25
    assert sae.summary.fvu < 0.12
    assert sae.summary.l0 == pytest.approx(2, abs=0.05)
    assert np.mean(found > 0.9) > 0.9


def test_revival_leaves_fewer_units_dead():
    _, features = planted(items=500)
    settings = {"expansion": 16, "k": 1, "batch_size": 25, "epochs": 25, "progress": False}
    without = train_sae(features, revive_weight=0.0, **settings)
    revived = train_sae(features, **settings)
    assert without.summary.dead_share > 0.1
    assert revived.summary.dead_share < 0.7 * without.summary.dead_share


def test_a_seed_settles_the_weights():
    first, same, other = (train_sae(SMALL, seed=seed, **QUICK) for seed in (0, 0, 1))
    assert first.fingerprint() == same.fingerprint()
    assert first.fingerprint() != other.fingerprint()


def test_global_random_numbers_are_neither_used_nor_changed():
    before = torch.get_rng_state()
    first = train_sae(SMALL, **QUICK)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert first.fingerprint() == train_sae(SMALL, **QUICK).fingerprint()


def as_column(kind, length=-1):
    return Dataset.from_dict(
        {"features": SMALL.tolist(), "label": [0] * 40},
        features=Features({"features": List(Value(kind), length=length), "label": Value("int64")}),
    )


@pytest.mark.parametrize(
    "features",
    [
        torch.from_numpy(SMALL),
        SMALL.tolist(),
        SMALL.astype(np.float64),
        as_column("float32"),
        as_column("float32", length=4),
        as_column("float64"),
    ],
    ids=["tensor", "lists", "float64", "column", "fixed column", "float64 column"],
)
def test_every_form_of_features_gives_the_same_model(features):
    expected = train_sae(SMALL, **QUICK).fingerprint()
    assert train_sae(features, **QUICK).fingerprint() == expected


def test_half_precision_columns_are_read():
    sae = train_sae(as_column("float16"), **QUICK)
    torch.testing.assert_close(sae.mean, train_sae(SMALL, **QUICK).mean, atol=1e-3, rtol=0)


@pytest.mark.parametrize("features", [SMALL, as_column("float32")], ids=["array", "column"])
def test_features_too_large_to_keep_are_streamed_to_the_same_result(features, monkeypatch):
    resident = train_sae(features, **QUICK).fingerprint()
    monkeypatch.setattr(batches, "RESIDENT_BYTES", 0)
    assert train_sae(features, **QUICK).fingerprint() == resident


def test_a_shuffled_dataset_is_read_in_its_own_order():
    order = np.random.default_rng(0).permutation(40)
    column = as_column("float32").select(order)
    assert (
        train_sae(column, **QUICK).fingerprint() == train_sae(SMALL[order], **QUICK).fingerprint()
    )


def test_the_mean_is_that_of_features_at_unit_length():
    scaled = SMALL / np.linalg.norm(SMALL, axis=1, keepdims=True)
    mean = train_sae(SMALL, **QUICK).mean
    torch.testing.assert_close(mean, torch.from_numpy(scaled.mean(0)))


def test_a_pass_sees_every_row_once_in_batches_of_nearly_equal_size():
    rows = batches.Batches(_numbered(10), 4, torch.device("cpu"), seed=0)
    for _ in range(2):
        sizes = [len(batch) for batch in rows]
        assert sizes == [4, 3, 3]
        assert len(rows) == 3
    seen = torch.cat(list(rows)).flatten()
    assert sorted(seen.tolist()) == list(range(10))
    assert seen.tolist() != torch.cat(list(rows)).flatten().tolist()


def _numbered(count):
    return feature_rows(np.arange(count, dtype=np.float32)[:, None])


@pytest.mark.parametrize(("items", "expansion"), [(49_999, 8), (50_000, 16)])
def test_below_fifty_thousand_items_the_default_expansion_is_halved(items, expansion):
    features = np.tile(np.eye(2, dtype=np.float32), (items // 2 + 1, 1))[:items]
    sae = train_sae(features, k=1, epochs=1, progress=False)
    assert sae.config.num_latents == expansion * 2


@pytest.mark.parametrize(("items", "steps"), [(200, 1), (1000, 4), (8000, 16), (70_000, 18)])
def test_default_batches_are_4096_items_or_fewer_where_a_pass_would_be_short(items, steps):
    features = np.tile(np.eye(2, dtype=np.float32), (items // 2, 1))
    sae = train_sae(features, expansion=2, k=1, epochs=1, progress=False)
    assert sae.summary.steps == steps


def test_the_summary_is_measured_with_the_final_weights_and_saved(tmp_path):
    sae = train_sae(SMALL, **QUICK)
    codes = sae.encode(torch.from_numpy(SMALL))
    inputs = sae.standardize(torch.from_numpy(SMALL))
    error = (inputs - sae.decode(codes)).square().sum() / inputs.square().sum()
    active = codes.dense(16) > 0
    assert (sae.summary.num_items, sae.summary.epochs, sae.summary.steps) == (40, 3, 9)
    assert sae.summary.fvu == pytest.approx(error.item(), rel=1e-5)
    assert sae.summary.l0 == pytest.approx(active.sum(1).float().mean().item())
    assert sae.summary.dead_share == pytest.approx((~active.any(0)).float().mean().item())
    sae.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["training"]["steps"] == 9
    assert SparseAutoencoder.from_pretrained(tmp_path).summary == sae.summary


def test_the_bar_shows_how_the_fit_goes(capsys):
    train_sae(SMALL, **(QUICK | {"progress": True}))
    shown = capsys.readouterr().err
    assert all(name in shown for name in ("fvu=", "l0=", "dead_share="))
    train_sae(SMALL, **QUICK)
    assert capsys.readouterr().err == ""


def with_nan():
    features = SMALL.copy()
    features[17, 2] = np.nan
    return features


@pytest.mark.parametrize(
    ("features", "settings", "message"),
    [
        (SMALL, {"k": 17}, "k is 17, but there are only 16 units"),
        (with_nan(), {}, "features of row 17 hold NaN"),
        (SMALL[:1], {}, "at least two items, got 1"),
        (SMALL[0], {}, r"one row per item, got shape \(4,\)"),
        (SMALL.astype(str), {}, "must be a table of numbers"),
        (SMALL, {"epochs": 0}, "epochs must be above 0, got 0"),
        (SMALL, {"batch_size": 0}, "batch_size must be above 0, got 0"),
        (SMALL, {"expansion": 0}, "expansion must be above 0, got 0"),
        (SMALL, {"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        (as_column("float32").remove_columns("features"), {}, "no column 'features'"),
        (Dataset.from_dict({"features": [[1.0], [1.0, 2.0]]}), {}, "different lengths"),
        (Dataset.from_dict({"features": [[1.0], None]}), {}, "different lengths or none"),
        (Dataset.from_dict({"features": [1.0, 2.0]}), {}, "one list of numbers per row"),
        (Dataset.from_dict({"features": [["a"], ["b"]]}), {}, "one list of numbers per row"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_any_work(features, settings, message):
    with pytest.raises(ValueError, match=message):
        train_sae(features, **(QUICK | settings))
