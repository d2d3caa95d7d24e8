"""The papers' numbers as they are shipped: complete, typed, and named as comparisons name them."""

import dataclasses
import json
from collections import Counter

import pytest
from pydantic import TypeAdapter

from hf_dynsel import selectors
from hf_dynsel.published import Number, label_of, published, variant_of

B = "arXiv 2603.04981"


def test_all_ten_tables_of_paper_b_are_there() -> None:
    counts = Counter(one.table for one in published().numbers if one.paper == "B")
    assert counts == {
        "1": 84,
        "2": 36,
        "3": 10,
        "4": 8,
        "5": 10,
        "6": 20,
        "7": 6,
        "8": 28,
        "9": 12,
        "10": 12,
    }


def test_every_number_has_the_fields_it_should() -> None:
    for number in published().numbers:
        content = json.dumps(dataclasses.asdict(number))
        TypeAdapter(Number).validate_json(content, strict=True)
        assert number.paper in published().papers


def test_a_number_is_what_the_paper_prints() -> None:
    (found,) = [
        one
        for one in published().table("B", "1")
        if (one.dataset, one.backbone, one.keep) == ("CIFAR-10", "ResNet-18", 0.3)
        and one.method == "MoSo"
    ]
    assert (found.value, found.printed_delta, found.delta_vs_printed_full) == (91.1, -6.0, -5.0)
    assert (found.metric, found.type) == ("top1_acc_pct", "static")


def test_a_fraction_under_a_wrong_header_is_the_true_one() -> None:
    """Table 7 prints 30, 50, 70 over 96.1, 95.6, 95.3."""
    found = {one.value: (one.keep, one.printed_keep) for one in published().table("B", "7")[:3]}
    assert found == {96.1: (0.7, 0.3), 95.6: (0.5, 0.5), 95.3: (0.3, 0.7)}


def test_known_faults_are_those_of_the_table() -> None:
    (found,) = published().faults("B", "9")[1:]
    assert found.startswith("Cost and speed-up do not follow")
    assert published().faults("B", "5")[0] == published().faults("B", "9")[0]
    assert published().faults("A", "7") == []


def test_a_table_is_cited_by_its_paper() -> None:
    assert published().source("B", "10") == f"{B} table 10"
    assert published().source("A", "summary") == "arXiv 2505.03809 summary"


def number(method: str, keep: float | None = 0.3, paper: str = "B", **more: str) -> Number:
    return Number(paper, "1", method, "top1_acc_pct", 90.0, keep, "CIFAR-10", "ResNet-18", **more)


@pytest.mark.parametrize(
    ("found", "label"),
    [
        (number("Ours"), "RepDiv"),
        (number("Ours", paper="A"), "DensityConsistency"),
        (number("Ours, SAE trained on CIFAR-10"), "RepDiv"),
        (number("Ours (density x consistency + TrivialAugment)", paper="A"), "DensityConsistency"),
        (number("Random", type="static"), "StaticRandom"),
        (number("Random", type="dynamic"), None),
        (number("Random"), "RS2"),
        (number("RS2 w/r"), "RS2"),
        (number("Full method", None), "RepDiv"),
        (number("w/o Pen", None), "without_Pen"),
        (number("K-center", 1.0), "FullData"),
        (number("Nobody's"), None),
    ],
)
def test_a_method_has_our_label(found: Number, label: str | None) -> None:
    assert label_of(found) == label


def test_every_method_but_the_dynamic_random_beside_rs2_has_a_label() -> None:
    without = {(one.table, one.method) for one in published().numbers if label_of(one) is None}
    assert without == {("1", "Random")}


def test_labels_of_methods_are_selectors_or_scores_or_ablations() -> None:
    from hf_dynsel import scores

    known = {*selectors.__all__, *scores.__all__, "RS2", "Static"}
    labels = {label for one in published().numbers if (label := label_of(one))}
    ablations = {label for label in labels if label.startswith(("without_", "only_"))}
    assert len(ablations) == 8
    assert labels - ablations <= known


def test_a_variant_is_what_the_method_was_given() -> None:
    assert variant_of(number("Ours, SAE trained on CIFAR-10")) == "SAE trained on CIFAR-10"
    assert variant_of(number("Ours (with more)")) == "with more"
    assert variant_of(number("Ours")) is None
    assert variant_of(number("Ourselves")) is None
