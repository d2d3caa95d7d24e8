import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Value
from sklearn.metrics import roc_auc_score

from adapter_kit import SAMPLES, TEXTS, is_wrong, table, texts, two_views
from hf_dynsel.features import Adapters, add_cosine, train_adapters
from hf_dynsel.provenance import record

QUICK = {"epochs": 2, "batch_size": 64, "progress": False}
KINDS = ["linear", "mlp"]


def cosines(dataset, adapters) -> np.ndarray:
    return np.array(add_cosine(dataset, adapters)["features_cosine"])


def untrained(dataset, words, kind="linear") -> Adapters:
    return train_adapters(dataset, words, kind=kind, epochs=0, progress=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dims", [(24, 16), (8, 16), (16, 16)], ids=str)
def test_training_tells_wrong_labels_from_right_ones(kind, dims):
    """Two encoders with nothing in common but the classes; one label in five is wrong."""
    dataset, words = two_views(dims=dims)
    wrong = is_wrong(dataset)
    settings = QUICK | {"epochs": 15, "learning_rate": 0.01}
    trained = train_adapters(dataset, words, kind=kind, **settings)
    before = roc_auc_score(~wrong, cosines(dataset, untrained(dataset, words, kind)))
    after = roc_auc_score(~wrong, cosines(dataset, trained))
    assert wrong.mean() == 0.2
    assert before < 0.8
    assert after > 0.95


def test_a_right_label_has_the_larger_cosine():
    """Classes lie on three axes; the texts lie on the same axes, but on each other's."""
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 3
    points = np.eye(3)[labels] + 0.1 * rng.standard_normal((200, 3))
    settings = QUICK | {"epochs": 20, "learning_rate": 0.05}
    adapters = train_adapters(table(points, labels, 3), texts(np.eye(3)[[1, 2, 0]]), **settings)
    others = (labels + 1) % 3
    right, wrong = (cosines(table(points, own, 3), adapters) for own in (labels, others))
    assert (right > wrong).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_settles_the_weights(kind):
    dataset, words = two_views(200)
    first, same, other = (
        train_adapters(dataset, words, kind=kind, seed=seed, **QUICK) for seed in (0, 0, 1)
    )
    assert first.fingerprint() == same.fingerprint()
    assert first.fingerprint() != other.fingerprint()


def test_global_random_numbers_are_neither_used_nor_changed():
    dataset, words = two_views(200)
    before = torch.get_rng_state()
    first = train_adapters(dataset, words, **QUICK)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert first.fingerprint() == train_adapters(dataset, words, **QUICK).fingerprint()


def test_trained_adapters_come_back_bit_for_bit(tmp_path):
    dataset, words = two_views(200)
    trained = train_adapters(dataset, words, **QUICK)
    trained.save_pretrained(tmp_path)
    loaded = Adapters.from_pretrained(tmp_path)
    assert (loaded.config, loaded.summary) == (trained.config, trained.summary)
    np.testing.assert_array_equal(cosines(dataset, loaded), cosines(dataset, trained))


def test_the_config_says_what_the_adapters_are_for():
    dataset, words = two_views(200)
    config = train_adapters(dataset, words, seed=4, **QUICK).config
    assert (config.sample_dim, config.text_dim, config.seed) == (24, 16, 4)
    assert config.classes == words.names
    assert config.templates == ("a photo of a {}.",)
    assert config.sample_encoder == SAMPLES
    assert config.text_encoder == TEXTS


def test_the_summary_counts_steps_and_the_loss_falls():
    """200 samples in batches of at most 64 are 4 of 50."""
    dataset, words = two_views(200)
    short, long = (
        train_adapters(dataset, words, **(QUICK | {"epochs": epochs})).summary for epochs in (1, 12)
    )
    assert (short.num_items, short.epochs, short.steps) == (200, 1, 4)
    assert long.steps == 48
    assert long.loss < short.loss
    assert long.seconds > 0


def test_the_temperature_stays_at_or_above_that_of_clip():
    """Where every sample lies on its text, the loss falls with the temperature for ever."""
    axes = table(np.eye(2)[[0, 1] * 8], [0, 1] * 8, 2)
    settings = QUICK | {"epochs": 40, "learning_rate": 0.5}
    trained = train_adapters(axes, texts(np.eye(2)), **settings)
    assert trained.summary.temperature == pytest.approx(0.01)


def test_the_order_of_a_shuffled_dataset_is_its_own():
    dataset, words = two_views(200)
    order = np.random.default_rng(3).permutation(200)
    written = table(np.array(dataset["features"])[order], np.array(dataset["label"])[order], 5)
    assert (
        train_adapters(dataset.select(order), words, **QUICK).fingerprint()
        == train_adapters(written, words, **QUICK).fingerprint()
    )


def test_a_batch_of_one_sample_or_one_class_trains():
    rows = table([[1, 0], [2, 0], [3, 1]], [1, 1, 1], 2)
    for size in (1, 3):
        trained = train_adapters(rows, texts(np.eye(2)), **(QUICK | {"batch_size": size}))
        assert np.isfinite(cosines(rows, trained)).all()


def test_the_bar_shows_the_loss(capsys):
    dataset, words = two_views(200)
    train_adapters(dataset, words, **(QUICK | {"progress": True}))
    assert "loss=" in capsys.readouterr().err
    train_adapters(dataset, words, **QUICK)
    assert capsys.readouterr().err == ""


def test_features_of_unknown_origin_are_taken_as_such():
    dataset, words = two_views(200)
    bare = record(dataset, "features", {})
    assert train_adapters(bare, words, **QUICK).config.sample_encoder == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "deep"}, r"kind must be one of \('linear', 'mlp'\), got 'deep'"),
        ({"epochs": -1}, "epochs must be at least 0, got -1"),
        ({"batch_size": 0}, "batch_size must be above 0, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        ({"weight_decay": -0.1}, "weight_decay must be at least 0, got -0.1"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_settings_out_of_range_are_refused_before_any_work(settings, message):
    with pytest.raises(ValueError, match=message):
        train_adapters(Dataset.from_dict({}), texts(np.eye(2)), **settings)


def with_row(value) -> Dataset:
    features = np.ones((6, 2))
    features[4, 1] = value
    return table(features, [0, 1] * 3, 2)


GOOD = with_row(1)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (with_row(np.nan), "the features of row 4 hold NaN or an infinity"),
        (with_row(np.inf), "the features of row 4 hold NaN or an infinity"),
        (GOOD.remove_columns("features"), r"no column 'features'.* hf_dynsel.features.extract"),
        (GOOD.remove_columns("label"), r"no column 'label' \(it has: features\)"),
        (GOOD.cast_column("label", Value("int64")), "its classes have no names"),
        (
            GOOD.cast_column("label", ClassLabel(names=["kind 0", "sort 1"])),
            "class 1 is 'kind 1' in the texts, but 'sort 1' in the dataset",
        ),
        (
            GOOD.cast_column("label", ClassLabel(names=["kind 0", "kind 1", "kind 2"])),
            "the texts are of 2 classes, but the dataset has 3",
        ),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused(dataset, message):
    with pytest.raises(ValueError, match=message):
        train_adapters(dataset, texts(np.eye(2)), **QUICK)


@pytest.mark.parametrize("value", [None, -1])
def test_a_row_without_a_class_is_refused(value):
    labels = ClassLabel(names=["kind 0", "kind 1"])
    rows = GOOD.remove_columns("label").add_column("label", [0, 1, value, 0, 1, value])
    rows = rows.cast_column("label", labels)
    with pytest.raises(ValueError, match=rf"row 2 has label {value}, .* \(2 in all\)"):
        train_adapters(rows, texts(np.eye(2)), **QUICK)
