"""The pool is read from the columns of a dataset."""

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, List, Value

from hf_dynsel.core import Pool
from hf_dynsel.pool import identity, pool_of


def labelled(labels, kind=None, **more):
    dataset = Dataset.from_dict({"label": labels, **more})
    return dataset if kind is None else dataset.cast_column("label", kind)


def test_scores_and_labels_are_read_by_name():
    pool = pool_of(labelled([0, 1, 0], score_el2n=[0.5, 1.5, 2.5], text=["a", "b", "c"]))
    assert pool.size == 3
    assert {name: column.tolist() for name, column in pool.scores.items()} == {
        "el2n": [0.5, 1.5, 2.5]
    }
    assert pool.labels.tolist() == [0, 1, 0]
    assert pool.labels.dtype == np.int64


def test_a_dataset_without_either_gives_its_size():
    pool = pool_of(Dataset.from_dict({"text": ["a", "b"]}))
    assert (pool.size, pool.scores, pool.labels) == (2, {}, None)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "int64"])
def test_any_integers_are_classes(kind):
    assert pool_of(labelled([1, 0, 2], Value(kind))).labels.tolist() == [1, 0, 2]


def test_declared_classes_are_classes():
    assert pool_of(labelled([1, 0], ClassLabel(names=["cat", "dog"]))).labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["cat", "dog"], None),
        ([0.5, 1.5], None),
        ([True, False], None),
        ([[0, 1], [1]], List(Value("int64"))),
    ],
    ids=["strings", "floats", "booleans", "multi-label"],
)
def test_labels_that_are_no_class_numbers_are_none(labels, kind):
    assert pool_of(labelled(labels, kind)).labels is None


def test_the_first_of_several_label_columns_that_has_integers_counts():
    columns = {"label_ids": [1, 0], "label": ["cat", "dog"], "labels": [0, 1]}
    assert pool_of(Dataset.from_dict(columns)).labels.tolist() == [0, 1]


def test_columns_that_a_transform_hides_are_read():
    dataset = labelled([0, 1], score_el2n=[0.5, 1.5])
    dataset.set_transform(lambda rows: {"x": [torch.zeros(2)] * len(rows["label"])})
    pool = pool_of(dataset)
    assert (pool.labels.tolist(), pool.scores["el2n"].tolist()) == ([0, 1], [0.5, 1.5])


@pytest.mark.parametrize("kind", ["torch", "arrow", "pandas"])
def test_the_format_does_not_matter(kind):
    dataset = labelled([0, 1], score_el2n=[0.5, 1.5]).with_format(kind, columns=["label"])
    pool = pool_of(dataset)
    assert (pool.labels.tolist(), pool.scores["el2n"].tolist()) == ([0, 1], [0.5, 1.5])


def test_a_view_gives_its_own_rows_in_its_own_order():
    view = labelled([0, 1, 2, 0], score_el2n=[0.0, 1.0, 2.0, 3.0]).select([3, 1, 0])
    pool = pool_of(view)
    assert (pool.labels.tolist(), pool.scores["el2n"].tolist()) == ([0, 1, 0], [3.0, 1.0, 0.0])


def test_scores_keep_every_bit():
    column = np.array([0.1, 1e-40, 3.4e38], np.float32)
    dataset = Dataset.from_dict({"x": [0] * 3}).add_column("score_el2n", column)
    assert pool_of(dataset).scores["el2n"].tobytes() == column.tobytes()


def test_whole_numbers_are_scores_too():
    """Such as how often a sample was forgotten."""
    scores = pool_of(Dataset.from_dict({"score_forgetting": [3, 0]})).scores["forgetting"]
    assert scores.tolist() == [3.0, 0.0]
    assert np.issubdtype(scores.dtype, np.floating)


def test_data_that_is_no_hub_dataset_gives_its_size():
    pool = pool_of(torch.utils.data.TensorDataset(torch.zeros(5, 2)))
    assert (pool.size, pool.scores, pool.labels) == (5, {}, None)


def test_a_missing_score_is_refused_with_its_row():
    with pytest.raises(ValueError, match="'el2n' has 1 values that are NaN or infinite.*row 1"):
        pool_of(Dataset.from_dict({"score_el2n": [0.5, None]}))


@pytest.mark.parametrize("kind", [None, ClassLabel(names=["cat", "dog"])], ids=["int", "class"])
def test_a_missing_label_is_refused_with_its_row(kind):
    with pytest.raises(ValueError, match="row 1 has no label"):
        pool_of(labelled([0, None, 1], kind))


def test_unlabelled_rows_of_declared_classes_are_refused():
    """The Hub's convention for hidden test labels is -1."""
    with pytest.raises(ValueError, match=r"row 1 has label -1, .* classes 0 to 1; correct these 2"):
        pool_of(labelled([0, -1, -1], ClassLabel(names=["cat", "dog"])))


def test_a_declared_class_without_samples_is_refused_by_name():
    with pytest.raises(ValueError, match=r"class 1 \('dog'\) has no samples; .*'label'"):
        pool_of(labelled([0, 2], ClassLabel(names=["cat", "dog", "fox"])))


def test_undeclared_classes_must_have_no_gaps():
    with pytest.raises(ValueError, match="class 1 has no samples although labels go up to 2"):
        pool_of(labelled([0, 2]))


def of(dataset):
    return identity(dataset, pool_of(dataset))


def test_the_same_data_is_the_same_run():
    dataset = labelled([0, 1], score_el2n=[0.5, 1.5])
    assert of(dataset) == of(labelled([0, 1], score_el2n=[0.5, 1.5]).with_format("torch"))


def test_other_rows_scores_labels_or_names_are_another_run():
    base = {"label": [0, 1], "text": ["a", "b"], "score_el2n": [0.5, 1.5]}
    changes = [
        {},
        {"label": [1, 0]},
        {"text": ["a", "c"]},
        {"score_el2n": [0.5, 1.25]},
        {"score_more": [0.5, 1.5]},
    ]
    found = {of(Dataset.from_dict(base | change)) for change in changes}
    found.add(of(Dataset.from_dict(base).rename_column("score_el2n", "score_other")))
    assert len(found) == 6


def test_of_other_data_the_pool_alone_is_known():
    data = torch.utils.data.TensorDataset(torch.zeros(2, 1))
    labels = np.array([0, 1])
    assert identity(data, Pool(2)) == identity([1, 2], Pool(2))
    assert identity(data, Pool(2)) != identity(data, Pool(2, labels=labels))
    assert identity(data, Pool(2)) != identity(data, Pool(3))
