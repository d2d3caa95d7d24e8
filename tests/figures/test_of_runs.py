"""Figures that the report of a run has relatives of."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from hf_dynsel.figures.material import Material
from hf_dynsel.figures.of_runs import dynamics, examples, run_names, scores, usage
from hf_dynsel.figures.request import Request
from hf_dynsel.report.usage_curve import Use, usage_curve


def selected(folder):
    """Returns the rows of each epoch."""
    table = pq.read_table(folder / "selections.parquet")
    epochs, rows = table["epoch"].to_numpy(), table["index"].to_numpy()
    return [rows[epochs == epoch] for epoch in range(epochs.max() + 1)]


def test_usage_counts_the_samples_by_their_epochs(digits):
    counts = np.bincount(np.concatenate(selected(digits)), minlength=240)
    (picture,) = usage(Request("usage", [digits])).pictures
    (found,) = picture.numbers.values()
    part = found["parts"]["all samples"]
    assert part["samples_by_epochs_used_in"] == np.bincount(counts).tolist()
    assert part["mean"] == pytest.approx(counts.mean())
    assert "never used" in picture.caption


def test_wrong_labels_are_told_apart_where_all_runs_know_them(noisy, digits):
    (picture,) = usage(Request("usage", [noisy])).pictures
    right, wrong = next(iter(picture.numbers.values()))["parts"].values()
    known = Material(noisy).wrong
    counts = np.bincount(np.concatenate(selected(noisy)), minlength=240)
    assert wrong["samples"] == known.sum() and right["samples"] == 240 - known.sum()
    assert wrong["mean"] == pytest.approx(counts[known].mean())
    assert len(picture.figure.axes) == 2
    (both,) = usage(Request("usage", [noisy, digits])).pictures
    assert len(both.figure.axes) == 1


def test_all_panels_reach_as_high_as_the_most_used_sample():
    use = Use(np.array([1, 1, 9]), 9, wrong=np.array([False, False, True]))
    for axes in usage_curve({"run": use}).figure.axes:
        assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] >= 9


def test_the_curve_falls_from_the_most_to_the_least_used(digits):
    counts = np.bincount(np.concatenate(selected(digits)), minlength=240)
    (picture,) = usage(Request("usage", [digits])).pictures
    (stairs,) = picture.figure.axes[0].patches
    data = stairs.get_data()
    widths = np.diff(data.edges) * 240
    np.testing.assert_array_equal(
        np.repeat(data.values, np.round(widths).astype(int)), -np.sort(-counts)
    )


def test_runs_that_only_their_folder_tells_apart_are_named_by_it(digits, noisy):
    names = run_names([Material(digits, traced=True), Material(noisy, traced=True)])
    assert names == ["RepDiv, keep 0.3, seed 0", "DynamicRandom, keep 0.3, seed 0"]
    same = run_names([Material(digits), Material(digits / ".." / digits.name)])
    assert all(name.endswith(f"{digits.parent.name}/{digits.name}") for name in same)


def test_scores_are_on_the_scale_from_0_to_1(digits):
    (picture,) = scores(Request("scores", [digits])).pictures
    for numbers in picture.numbers.values():
        assert (numbers["edges"][0], numbers["edges"][-1]) == (0, 1)
        assert sum(numbers["counts"]) == 240
        assert 0 < numbers["mean"] < 1


def test_examples_are_the_extremes_of_the_class(digits):
    first = examples(Request("examples", [digits], classes=["7"])).pictures[0]
    made = Material(digits)
    values = made.run.scores["representativeness"]
    own = np.flatnonzero(made.labels == 7)
    order = own[np.argsort(-values[own], kind="stable")]
    shown = min(16, len(own) // 2)
    assert first.numbers["highest"]["rows"] == order[:shown].tolist()
    assert first.name == "examples_representativeness_7"


def test_dynamics_are_means_over_the_samples_of_each_epoch(digits):
    (picture,) = dynamics(Request("dynamics", [digits])).pictures
    scaled = Material(digits).run.scores["diversity"].astype(float)
    scaled = (scaled - scaled.min()) / np.ptp(scaled)
    expected = [scaled[rows].mean() for rows in selected(digits)]
    assert picture.numbers["mean"]["diversity"] == pytest.approx(expected)
    assert picture.numbers["mean_of_all_data"]["diversity"] == pytest.approx(scaled.mean())
    assert picture.numbers["mean"]["diversity"][-1] == pytest.approx(scaled.mean())
    alpha = picture.numbers["alpha"]
    assert alpha[0] > 0.9 and alpha[-1] is None


def test_dynamics_of_a_class_count_its_samples_alone(digits):
    request = Request("dynamics", [digits], classes=["2", "4"])
    section = dynamics(request)
    made = Material(digits)
    scaled = made.run.scores["diversity"].astype(float)
    scaled = (scaled - scaled.min()) / np.ptp(scaled)
    among = np.isin(made.labels, [2, 4])
    first = selected(digits)[0]
    expected = scaled[first[among[first]]].mean()
    assert section.pictures[0].numbers["mean"]["diversity"][0] == pytest.approx(expected)
    assert section.title.endswith("of class 2, 4")


def test_a_run_without_alpha_says_so(noisy):
    added = ["features.backbone=Pixels", "sae.epochs=1", "scores={Diversity: {}}"]
    section = dynamics(Request("dynamics", [noisy], added))
    assert len(section.pictures[0].figure.axes) == 1
    assert "α(t) needs a log of a selector that has one" in section.missing[0]
