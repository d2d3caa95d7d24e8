"""The subsets that are compared with all data, and their discrepancies."""

from dataclasses import asdict

import numpy as np
import pytest

from hf_dynsel.figures.faithfulness import KEEPS, faithfulness, measure, require_sizes, unit_length
from hf_dynsel.figures.faithfulness_chart import faithfulness_chart
from hf_dynsel.figures.request import Request
from hf_dynsel.figures.subsets import (
    BY_CLASS,
    CENTER,
    RANDOM,
    REP,
    STARTS,
    chosen,
    k_center_by_class,
    rep_top_k,
)
from hf_dynsel.mmd import gaussian, squared_mmd

RNG = np.random.default_rng(0)
FEATURES = unit_length(RNG.normal(size=(60, 5)))
LABELS = np.arange(60) % 3
SCORES = RNG.random(60)
HALF = [0.1, 0.5]


def test_rep_top_k_takes_the_top_of_each_class_in_proportion():
    labels, scores = np.array([0] * 4 + [1] * 8), np.arange(12.0)
    assert rep_top_k(labels, scores, {0.5: 6})[0.5].tolist() == [2, 3, 8, 9, 10, 11]


def test_all_methods_have_subsets_of_the_same_sizes_and_as_many_starts():
    subsets = chosen(FEATURES, LABELS, SCORES, HALF, seed=3)
    assert {name: len(starts) for name, starts in subsets.items()} == {
        REP: 1,
        CENTER: STARTS,
        BY_CLASS: STARTS,
        RANDOM: STARTS,
    }
    for starts in subsets.values():
        for by_keep in starts:
            assert [len(set(rows.tolist())) for rows in by_keep.values()] == [6, 30]


def test_k_center_is_greedy_from_its_start():
    order = chosen(FEATURES, LABELS, SCORES, [0.5], seed=3)[CENTER][1][0.5]
    for taken in range(1, 30):
        distances = np.linalg.norm(FEATURES[:, None] - FEATURES[order[:taken]], axis=2).min(axis=1)
        assert distances[order[taken]] == pytest.approx(distances.max(), rel=1e-5)


def test_a_smaller_k_center_begins_a_larger_one():
    subsets = chosen(FEATURES, LABELS, SCORES, HALF, seed=3)
    small, large = subsets[CENTER][0].values()
    assert small.tolist() == large[:6].tolist()


def test_k_center_by_class_is_greedy_in_each_class():
    found = k_center_by_class(FEATURES, LABELS, {0.5: 30}, np.random.default_rng(0))[0.5]
    for number in range(3):
        own, rows = found[LABELS[found] == number], np.flatnonzero(number == LABELS)
        assert len(own) == 10
        gaps = np.linalg.norm(FEATURES[rows][:, None] - FEATURES[own[:5]], axis=2).min(axis=1)
        assert own[5] == rows[gaps.argmax()]


def test_a_class_without_a_place_is_left_out():
    labels = np.array([0] * 58 + [1, 1])
    found = k_center_by_class(FEATURES, labels, {0.1: 6}, np.random.default_rng(0))[0.1]
    assert len(found) == 6 and not labels[found].any()


def test_each_discrepancy_is_that_of_its_rows():
    subsets = chosen(FEATURES, LABELS, SCORES, HALF, seed=3)
    found = list(measure(FEATURES, subsets, seed=3))
    assert len(found) == (1 + 3 * STARTS) * len(HALF) * 2
    row = next(row for row in found if (row.method, row.start, row.keep) == (CENTER, 2, 0.5))
    assert row.kernel == "1/d" and row.gamma == 1 / 5 and row.samples == 30
    expected = squared_mmd(FEATURES[subsets[CENTER][2][0.5]], FEATURES, gaussian(1 / 5))
    assert (row.biased, row.unbiased) == pytest.approx((expected.biased, expected.unbiased))


def test_all_data_are_at_no_distance():
    everything = {RANDOM: [{1.0: np.arange(60)}]}
    assert all(abs(row.biased) < 1e-14 for row in measure(FEATURES, everything, seed=0))


def test_the_chart_draws_millionths_of_means_over_starts():
    subsets = chosen(FEATURES, LABELS, SCORES, HALF, seed=3)
    rows = [asdict(row) for row in measure(FEATURES, subsets, seed=3)]
    picture = faithfulness_chart(rows, {"measured": rows})
    first = picture.figure.axes[0]
    drawn = {line.get_label(): line.get_ydata() for line in first.lines}
    assert list(drawn) == [REP, CENTER, BY_CLASS, RANDOM]
    own = [
        row["biased"]
        for row in rows
        if (row["method"], row["keep"], row["kernel"]) == (CENTER, 0.1, "1/d")
    ]
    assert drawn[CENTER][0] == pytest.approx(1e6 * np.mean(own))
    assert "of 2 sizes" in picture.caption


def test_a_run_has_every_size_of_the_paper(digits):
    (picture,) = faithfulness(Request("mmd", [digits])).pictures
    rows = picture.numbers["measured"]
    assert sorted({row["keep"] for row in rows}) == list(KEEPS)
    assert {row["samples"] for row in rows if row["keep"] == 0.01} == {2}
    assert picture.numbers["dimensions"] == 64


def test_too_few_samples_are_refused_before_any_work():
    with pytest.raises(ValueError, match="1% of 199 samples is 1, .* at least 200 samples"):
        require_sizes(199)
    require_sizes(200)


def test_rows_of_zeros_stay():
    assert unit_length(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist() == [
        [0.0, 0.0],
        pytest.approx([0.6, 0.8]),
    ]
