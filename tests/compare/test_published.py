"""The published order beside ours, with Kendall's tau counted by hand."""

import math
import re
from pathlib import Path

import pytest

from hf_dynsel.compare.published import (
    Number,
    Published,
    agreements,
    published_order,
    read_published,
)

FILE = """\
labels: {InfoBatch: InfoBatch, Ours: RepDiv, RS2 w/r: RS2, Random: StaticRandom}
rows:
- {source: arXiv 1, dataset: CIFAR-10, model: R18, method: Ours, keep: 0.3, value: 95.3}
- {source: arXiv 1, dataset: CIFAR-10, model: R18, method: InfoBatch, keep: 0.3, value: 94.7}
- {source: arXiv 1, dataset: CIFAR-10, model: R18, method: RS2 w/r, keep: 0.3, value: 94.2}
- {source: arXiv 1, dataset: CIFAR-10, model: R18, method: Other, keep: 0.3, value: 1.0}
- {source: arXiv 1, dataset: CIFAR-10, model: R18, method: Ours, keep: 0.7, value: 96.1}
"""
ARM = {"RS2": (0.8,), "RepDiv": (0.7,), "InfoBatch": (0.6,), "EL2N": (0.5,)}


@pytest.fixture
def published(tmp_path: Path) -> Published:
    (tmp_path / "published.yaml").write_text(FILE)
    return read_published(tmp_path / "published.yaml")


def test_methods_in_common_are_ordered_both_ways(published: Published) -> None:
    """Published RepDiv, InfoBatch, RS2; ours RS2, RepDiv, InfoBatch: two of three pairs apart."""
    ours = {0.3: {"RS2": 0.8, "RepDiv": 0.7, "InfoBatch": 0.6, "EL2N": 0.5}, 0.7: {"RepDiv": 0.9}}
    (found,) = agreements(published, ours)
    assert found.place == "arXiv 1, CIFAR-10, R18, keep 0.3"
    assert found.theirs == ("RepDiv", "InfoBatch", "RS2")
    assert found.ours == ("RS2", "RepDiv", "InfoBatch")
    assert found.tau == pytest.approx((1 - 2) / 3)
    assert found.apart == (("RepDiv", "RS2"), ("InfoBatch", "RS2"))


def test_equal_values_are_not_apart() -> None:
    """The paper has a before b and c, which tie; so have we, but b before c: tau-b 2 / sqrt(6)."""
    rows = [
        Number("p", "d", "m", name, 0.3, value) for name, value in [("a", 2), ("b", 1), ("c", 1)]
    ]
    (found,) = agreements(Published({n: n for n in "abc"}, rows), {0.3: {"a": 3, "b": 2, "c": 1}})
    assert found.apart == ()
    assert found.tau == pytest.approx(2 / math.sqrt(6))


def test_two_published_methods_with_one_label_are_refused(published: Published) -> None:
    both = Published({**published.labels, "Other": "RepDiv"}, published.rows)
    with pytest.raises(ValueError, match="keep 0.3: two methods have the label 'RepDiv'"):
        agreements(both, {0.3: {"RepDiv": 1.0}})


def test_where_all_tie_there_is_no_order() -> None:
    rows = [Number("p", "d", "m", name, 0.3, 1.0) for name in "ab"]
    (found,) = agreements(Published({"a": "a", "b": "b"}, rows), {0.3: {"a": 2.0, "b": 1.0}})
    assert math.isnan(found.tau)


def test_the_text_says_where_the_orders_differ(published: Published, results) -> None:
    text = published_order(results(ARM), published)
    assert "(Kendall's tau -0.33)" in text
    assert "- published: RepDiv > InfoBatch > RS2\n- ours: RS2 > RepDiv > InfoBatch\n" in text
    assert "in the paper but not here: RepDiv before RS2; InfoBatch before RS2" in text


def test_without_methods_in_common_it_says_so(published: Published, results) -> None:
    assert "No published table has two of these methods." in published_order(
        results({"RS2": (0.5,)}), published
    )


def test_faults_of_the_file_are_found_at_once(tmp_path: Path) -> None:
    file = tmp_path / "published.yaml"
    file.write_text("labels: {}\nrows: [{source: 1, methods: x}]\n")
    with pytest.raises(ValueError) as refused:
        read_published(file)
    for words in ("rows.0.source: 1 is not", "has no 'methods'; did you mean 'method'?"):
        assert words in str(refused.value)
    row = "{source: a, dataset: b, model: c, method: d, keep: 0.3, value: .nan}"
    for text, said in (
        ("labels: {}\nrows: null\n", "rows: None is not of type list"),
        ("labels: {A: 1}\nrows: []\n", "labels: takes our label of each published name; got {'A'"),
        ("labels: null\nrows: []\n", "labels: takes our label"),
        (f"labels: {{}}\nrows: [{row}]\n", "rows.0.value: nan is no result; leave the row out"),
    ):
        file.write_text(text)
        with pytest.raises(ValueError, match=re.escape(said)):
            read_published(file)
    file.write_text("rows: []\n")
    with pytest.raises(ValueError, match="must hold 'labels' and 'rows'"):
        read_published(file)
