import numpy as np
import pytest
import torch
from datasets import Value

from adapter_kit import SAMPLES, TEXTS, names, table, two_views
from hf_dynsel.features import AdapterConfig, Adapters, add_cosine, train_adapters
from hf_dynsel.provenance import fingerprint, record, recorded, without_derived

POINTS = [[3, 4], [4, 3], [0, 2], [5, 0]]


def plain_pair(sample_encoder=SAMPLES) -> Adapters:
    """Untrained adapters on the plane, for the texts (1, 0) and (0, 1)."""
    encoders = {"sample_encoder": sample_encoder, "text_encoder": TEXTS}
    called = {"classes": names(2), "words": names(2), "templates": ["a {}"]}
    adapters = Adapters(AdapterConfig("linear", 2, 2, **called, **encoders))
    adapters.class_texts.copy_(torch.eye(2))
    return adapters


def test_the_column_is_the_cosine_with_the_text_of_the_own_class():
    """The first coordinate over the length for class 0, the second for class 1."""
    got = add_cosine(table(POINTS, [0, 1, 1, 1], 2), plain_pair())
    np.testing.assert_allclose(got["features_cosine"][:], [0.6, 0.6, 1.0, 0.0], atol=1e-6)
    assert got.features["features_cosine"] == Value("float32")
    assert got["label"][:] == [0, 1, 1, 1]


def test_batches_do_not_matter():
    dataset, words = two_views(200)
    adapters = train_adapters(dataset, words, kind="mlp", epochs=1, progress=False)
    whole, small = (add_cosine(dataset, adapters, batch_size=size) for size in (4096, 7))
    np.testing.assert_allclose(whole["features_cosine"], small["features_cosine"], atol=1e-6)


def test_another_label_column_can_be_asked_for():
    dataset = table(POINTS, [0, 0, 0, 0], 2).rename_column("label", "kind")
    got = add_cosine(dataset, plain_pair(), label="kind")
    np.testing.assert_allclose(got["features_cosine"][:], [0.6, 0.8, 0.0, 1.0], atol=1e-6)
    assert recorded(got)["adapters"]["label"] == "kind"


def test_a_column_that_is_there_is_replaced():
    dataset = add_cosine(table(POINTS, [0, 0, 0, 0], 2), plain_pair())
    other = plain_pair()
    other.class_texts.copy_(torch.eye(2).flip(0))
    again = add_cosine(dataset, other)
    np.testing.assert_allclose(again["features_cosine"][:], [0.8, 0.6, 1.0, 0.0], atol=1e-6)
    assert again.column_names == ["features", "label", "features_cosine"]
    assert recorded(again)["adapters"]["adapters_fingerprint"] == other.fingerprint()


def test_the_cosine_does_not_change_what_the_dataset_is():
    dataset = table(POINTS, [0, 1, 1, 1], 2)
    got = add_cosine(dataset, plain_pair())
    assert fingerprint(got) == fingerprint(dataset)
    assert without_derived(got).column_names == ["label"]


def test_the_note_says_what_made_the_column(tmp_path):
    dataset, words = two_views(200)
    train_adapters(dataset, words, epochs=1, progress=False).save_pretrained(tmp_path)
    adapters = Adapters.from_pretrained(tmp_path)
    note = recorded(add_cosine(dataset, adapters))["adapters"]
    assert note["config"]["sample_encoder"] == SAMPLES
    assert note["config"]["text_encoder"] == TEXTS
    assert note["config"]["templates"] == ["a photo of a {}."]
    assert note["adapters_fingerprint"] == adapters.fingerprint()
    assert note["source"] == str(tmp_path)
    assert note["training"]["epochs"] == 1
    assert note["features"]["dataset"] == "1"
    assert (note["dataset_fingerprint"], note["num_rows"]) == (fingerprint(dataset), 200)


def test_the_adapters_stay_where_and_as_they_were():
    adapters = plain_pair().train()
    add_cosine(table(POINTS, [0, 1, 1, 1], 2), adapters, device="cpu")
    assert adapters.training


def changed(**fields) -> dict:
    return {**SAMPLES, **fields}


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (
            changed(preprocessing={"input_size": [3, 9, 9]}),
            r"\(preprocessing.input_size: \[3, 9, 9\] there and \[3, 8, 8\] here\); extract",
        ),
        (
            changed(backbone="Ear", weights="0"),
            r"\(backbone: Ear there and Camera here; weights: 0 there and c0ffee here\)",
        ),
        (changed(max_length=7), r"\(max_length: 7 there and nothing here\)"),
        ({}, "backbone: nothing there and Camera here"),
    ],
)
def test_adapters_for_another_encoder_are_refused_field_by_field(encoder, message):
    with pytest.raises(ValueError, match=f"trained for another encoder of the samples.*{message}"):
        add_cosine(table(POINTS, [0, 1, 1, 1], 2), plain_pair(encoder))


def test_where_the_features_were_read_from_does_not_matter():
    """The same encoder on the column 'img' of other data, with another version of the library."""
    dataset = table(POINTS, [0, 1, 1, 1], 2)
    note = {**SAMPLES, "column": "img", "dataset": "2", "rows": 4, "version": "9"}
    add_cosine(record(dataset, "features", note), plain_pair())


def test_features_without_a_note_are_refused_by_adapters_for_a_known_encoder():
    bare = record(table(POINTS, [0, 1, 1, 1], 2), "features", {})
    with pytest.raises(ValueError, match="backbone: Camera there and nothing here"):
        add_cosine(bare, plain_pair())


def test_another_dimension_is_refused():
    wide = table([[1, 2, 3]], [0], 2)
    with pytest.raises(ValueError, match="dimension 3, but the adapters were trained on dim.* 2"):
        add_cosine(wide, plain_pair())


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (table(POINTS, [0, 1, 1, 1], 3), "the texts are of 2 classes, but the dataset has 3"),
        (table([[1, np.nan]], [0], 2), "the features of row 0 hold NaN"),
        (table(POINTS, [0, 1, 1, 1], 2).remove_columns("label"), "no column 'label'"),
        (table(POINTS, [0, 1, 1, 1], 2).remove_columns("features"), "no column 'features'"),
    ],
)
def test_data_that_cannot_be_compared_are_refused(dataset, message):
    with pytest.raises(ValueError, match=message):
        add_cosine(dataset, plain_pair())
