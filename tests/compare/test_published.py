"""The published order beside ours, with Kendall's tau counted by hand."""

import math

import pytest

from hf_dynsel.compare.published import agreement, agreements, published_order
from hf_dynsel.published import Number

ARM = {"RS2": (0.8,), "RepDiv": (0.7,), "InfoBatch": (0.6,), "EL2N": (0.5,)}


def number(method: str, value: float, keep: float | None = 0.3, **more: str) -> Number:
    return Number("B", "1", method, "top1_acc_pct", value, keep, "CIFAR-10", "R18", **more)


NUMBERS = [
    number("Ours", 95.3),
    number("InfoBatch", 94.7),
    number("RS2 w/r", 94.2),
    number("Other", 1.0),
    number("Ours", 96.1, 0.7),
    number("Full", 96.1, 1.0),
    number("UCB", 90.0, None),
]


def test_methods_in_common_are_ordered_both_ways() -> None:
    """Published RepDiv, InfoBatch, RS2; ours RS2, RepDiv, InfoBatch: two of three pairs apart."""
    ours = {0.3: {"RS2": 0.8, "RepDiv": 0.7, "InfoBatch": 0.6, "EL2N": 0.5}, 0.7: {"RepDiv": 0.9}}
    (found,) = agreements(NUMBERS, ours)
    assert found.place == "arXiv 2603.04981 table 1, CIFAR-10, R18, keep 0.3"
    assert found.theirs == ("RepDiv", "InfoBatch", "RS2")
    assert found.ours == ("RS2", "RepDiv", "InfoBatch")
    assert found.tau == pytest.approx((1 - 2) / 3)
    assert found.apart == (("RepDiv", "RS2"), ("InfoBatch", "RS2"))


def test_equal_values_are_not_apart() -> None:
    """The paper has a before b and c, which tie; so have we, but b before c: tau-b 2 / sqrt(6)."""
    found = agreement("here", {"a": 2, "b": 1, "c": 1}, {"a": 3, "b": 2, "c": 1})
    assert found is not None
    assert found.apart == ()
    assert found.tau == pytest.approx(2 / math.sqrt(6))


def test_full_data_takes_no_part_in_an_order() -> None:
    both = {"FullData": 2.0, "RepDiv": 1.0}
    assert agreement("here", both, both) is None


def test_two_published_methods_with_one_label_are_refused() -> None:
    both = [*NUMBERS, number("Full method", 1.0)]
    with pytest.raises(ValueError, match="keep 0.3: two methods have the label 'RepDiv'"):
        agreements(both, {0.3: {"RepDiv": 1.0}})


def test_what_a_method_was_given_makes_another_table() -> None:
    given = [number(f"Ours, SAE trained on {data}", 95.0) for data in ("CIFAR-10", "ImageNet-1K")]
    found = agreements([*NUMBERS, *given], {0.3: {"RepDiv": 1.0, "RS2": 2.0}})
    assert [one.place for one in found] == ["arXiv 2603.04981 table 1, CIFAR-10, R18, keep 0.3"]


def test_where_all_tie_there_is_no_order() -> None:
    found = agreement("here", {"a": 1.0, "b": 1.0}, {"a": 2.0, "b": 1.0})
    assert found is not None
    assert math.isnan(found.tau)


def test_the_text_says_where_the_orders_differ(results) -> None:
    """Table 1, CIFAR-10, ResNet-18, 30 %: Ours 95.3, InfoBatch 94.7, RS2 w/r 94.2."""
    text = published_order(results(ARM))
    assert text.startswith(
        "**arXiv 2603.04981 table 1, CIFAR-10, ResNet-18, keep 0.3** (Kendall's tau -0.33)\n\n"
        "- published: RepDiv > InfoBatch > RS2\n- ours: RS2 > RepDiv > InfoBatch\n"
        "- in the paper but not here: RepDiv before RS2; InfoBatch before RS2\n\n"
    )


def test_without_methods_in_common_it_says_so(results) -> None:
    assert "No published table has two of these methods." in published_order(
        results({"RS2": (0.5,)})
    )
