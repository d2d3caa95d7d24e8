import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.data import stratified_subset
from hf_dynsel.data.subset import class_quotas


def labelled(*counts: int) -> Dataset:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Dataset.from_dict({"row": np.arange(len(labels)), "label": labels})


def test_quotas_are_proportional_by_largest_remainder() -> None:
    """Of 7, the shares 60 : 30 : 10 get 4.2, 2.1 and 0.7: rounded down 4, 2, 0, one to the last."""
    assert class_quotas(np.array([60, 30, 10]), 7).tolist() == [4, 2, 1]


def test_a_rare_class_keeps_one_row() -> None:
    """Of 10, the shares 980 : 19 : 1 get 9.8, 0.19 and 0.01; both small ones are lifted to 1."""
    assert class_quotas(np.array([980, 19, 1]), 10).tolist() == [8, 1, 1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.data())
def test_quotas_add_up_and_stay_in_reach(counts: list[int], data: st.DataObject) -> None:
    size = data.draw(st.integers(len(counts), sum(counts)))
    quotas = class_quotas(np.array(counts), size)
    assert quotas.sum() == size
    assert ((quotas >= 1) & (quotas <= counts)).all()


def test_a_subset_has_the_class_shares_and_the_old_order() -> None:
    subset = stratified_subset(labelled(60, 30, 10), 50)
    assert np.bincount(subset["label"][:]).tolist() == [30, 15, 5]
    assert (np.diff(subset["row"][:]) > 0).all()


def test_a_subset_reads_through_no_mapping() -> None:
    assert stratified_subset(labelled(60, 30, 10), 50)._indices is None


def test_the_whole_is_a_subset() -> None:
    assert stratified_subset(labelled(3, 1), 4)["row"][:] == [0, 1, 2, 3]


def test_the_seed_chooses_the_rows() -> None:
    first, same, other = (
        stratified_subset(labelled(60, 30), 30, seed)["row"][:] for seed in (0, 0, 1)
    )
    assert first == same
    assert first != other


@pytest.mark.parametrize("size", [2, 101])
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"from 3 to 100 rows, got size {size}"):
        stratified_subset(labelled(60, 30, 10), size)
