"""Figures of comparisons: which methods they show, their means, and where a goal is reached."""

import json

import pytest

from hf_dynsel.compare.results import read_results
from hf_dynsel.figures.convergence import convergence
from hf_dynsel.figures.courses import courses
from hf_dynsel.figures.gains import gains
from hf_dynsel.figures.keep import keep, line
from hf_dynsel.figures.methods import looks, shown
from hf_dynsel.figures.request import Request

ARMS = {
    0.3: {"FullData": (0.9, 0.92), "RS2": (0.8, 0.82), "A": (0.7, 0.74)},
    0.7: {"FullData": (0.9, 0.92), "RS2": (0.86, 0.86), "A": (0.8, 0.8)},
}


def curve(*accuracies, samples=30):
    """Evaluations after each epoch of ten steps."""
    return [
        {"epoch": e, "step": 10 * e, "samples_trained": samples * e, "accuracy": a}
        for e, a in enumerate(accuracies, 1)
    ]


# 90 % of 0.8 is 0.72: full data gets there between 0.7 and 0.8, A between 0.5 and 0.8.
CURVES = {"FullData": curve(0.5, 0.7, 0.8, samples=100), "A": curve(0.3, 0.5, 0.8)}


def test_the_line_of_a_method_has_mean_and_spread_in_per_cent(compared):
    found = line(read_results(compared(ARMS)), "A")
    assert found == {0.3: (72.0, pytest.approx(2.8284, abs=1e-4)), 0.7: (80.0, 0.0)}


def test_one_seed_has_no_spread(compared):
    found = line(read_results(compared({0.3: {"A": (0.7,)}})), "A")
    assert found == {0.3: (70.0, None)}


def test_full_data_is_a_line_across_and_methods_stand_at_their_fraction(compared):
    (picture,) = keep(Request("keep", [compared(ARMS)])).pictures
    axes = picture.figure.axes[0]
    drawn = dict(zip(axes.get_legend_handles_labels()[1], axes.containers, strict=False))
    assert axes.get_legend_handles_labels()[1] == ["FullData", "RS2", "A"]
    assert axes.lines[0].get_ydata() == [91.0, 91.0]
    assert len(drawn) == 2
    bars = axes.containers[1].lines[0].get_xydata()
    near = [pytest.approx([0.3, 72], abs=0.01), pytest.approx([0.7, 80], abs=0.01)]
    assert bars.tolist() == near
    assert axes.get_ylabel() == "accuracy, %" and "kept per epoch" in axes.get_xlabel()


def test_several_comparisons_have_a_panel_each(compared):
    folders = [compared(ARMS, name="one"), compared(ARMS, name="two")]
    (picture,) = keep(Request("keep", folders)).pictures
    assert len(picture.figure.axes) == len(picture.numbers["comparisons"]) == 2


def test_the_best_six_are_shown_and_the_others_are_named(compared):
    many = {f"M{n}": (0.5 + n / 100,) for n in range(8)}
    results = read_results(compared({0.3: {"FullData": (0.9,), "RS2+tail-0-1": (0.95,), **many}}))
    names, hidden = shown([results], [])
    assert names == ["FullData", "M7", "M6", "M5", "M4", "M3", "M2"]
    assert hidden == ["M0", "M1"]
    assert shown([results], ["M0", "RS2+tail-0-1"]) == (["FullData", "M0", "RS2+tail-0-1"], [])


def test_of_several_comparisons_the_best_by_rank_are_shown(compared):
    """B is second of three in both; A and C are each first once and last once, by far more."""
    one = compared({0.3: {"A": (0.9,), "B": (0.2,), "C": (0.1,)}}, name="one")
    two = compared({0.3: {"A": (0.1,), "B": (0.2,), "C": (0.3,)}}, name="two")
    found, _ = shown([read_results(one), read_results(two)], [])
    assert found == ["A", "B", "C"]
    (picture,) = keep(Request("keep", [one, compared(ARMS, name="three")])).pictures
    names = [text.get_text() for text in picture.figure.legends[0].get_texts()]
    assert sorted(names) == ["A", "B", "C", "FullData", "RS2"]


def test_a_method_that_is_not_there_is_refused(compared):
    request = Request("keep", [compared(ARMS)], methods=["B"])
    with pytest.raises(ValueError, match="no method 'B'; there are A, FullData, RS2"):
        keep(request)


def test_looks_differ():
    names = ["FullData", "RS2", *map(str, range(12))]
    found = [tuple(sorted(look.items())) for look in looks(names).values()]
    assert len(set(found)) == 14


@pytest.mark.parametrize(
    ("axis", "full", "ours"),
    [("step", 22, 20 + 10 * 0.22 / 0.3), ("samples_trained", 220, 60 + 30 * 0.22 / 0.3)],
)
def test_the_place_where_nine_tenths_of_full_data_are_reached(compared, axis, full, ours):
    results = read_results(compared(ARMS, CURVES))
    found = courses(results, 0.3, ["FullData", "RS2", "A"], axis)
    assert list(found) == ["FullData", "A"]
    assert found["FullData"].mean_reached == pytest.approx(full)
    assert found["A"].mean_reached == pytest.approx(ours)
    assert found["A"].mean == pytest.approx([30, 50, 80])


def test_seeds_that_were_evaluated_elsewhere_meet_between_their_points(compared, tmp_path):
    """One seed at steps 10, 20, 30, the other at 10, 30: its value at 20 lies between."""
    folder = compared({0.3: {"A": (0.8, 0.8)}}, {"A": curve(0.2, 0.6, 0.8)})
    file = folder / "keep-0.3" / "A" / "seed-1.json"
    text = file.read_text()
    first, _, last = curve(0.2, 0.6, 0.8)
    file.write_text(json.dumps(json.loads(text) | {"curve": [first, last]}))
    found = courses(read_results(folder), 0.3, ["A"], "step")["A"]
    assert found.places.tolist() == [10, 20, 30]
    assert found.mean == pytest.approx([20, (60 + 50) / 2, 80])
    assert found.std == pytest.approx([0, 10 / 2**0.5, 0], abs=1e-9)


def test_convergence_lists_where_each_method_gets_to(compared):
    section = convergence(Request("convergence", [compared(ARMS, CURVES)]))
    assert [p.name for p in section.pictures] == ["convergence_keep-0.3", "convergence_keep-0.7"]
    (table,) = section.tables
    assert table.rows[0] == ["0.3", "FullData", "2", "2", "22.0", "0.0", "220.0", "0.0"]
    axes = section.pictures[0].figure.axes
    assert [one.get_xlabel() for one in axes] == ["optimizer steps", "samples trained"]
    numbers = section.pictures[0].numbers
    assert numbers["goal"] == pytest.approx(72)
    assert numbers["step"]["A"]["reached"]["0"] == pytest.approx(20 + 10 * 0.22 / 0.3)


def test_a_method_that_never_gets_there_says_in_how_many_seeds_it_did(compared):
    curves = CURVES | {"A": curve(0.1, 0.2, 0.3)}
    section = convergence(Request("convergence", [compared(ARMS, curves)]))
    assert "A: 90 % in 0 of 2 seeds" in section.pictures[0].caption
    assert section.tables[0].rows[1] == ["0.3", "A", "2", "0", "", "", "", ""]


def test_runs_without_evaluations_say_what_to_set(compared):
    with pytest.raises(ValueError, match="hold no accuracy during training; set trainer.eval"):
        convergence(Request("convergence", [compared(ARMS)]))


def test_convergence_is_of_one_comparison(compared):
    folders = [compared(ARMS, CURVES, name=name) for name in ("one", "two")]
    with pytest.raises(ValueError, match="is of one comparison, got 2 folders"):
        convergence(Request("convergence", folders))


def test_a_gain_is_paired_by_seed_with_rs2_that_has_the_same_whole_epochs(compared):
    """Differences of +2 and +4 points: 3 +- 12.706 * sqrt(2) / sqrt(2), by Student's table."""
    arm = {"RS2": (0.5, 0.5), "RS2+tail-0-1": (0.8, 0.82), "RepDiv": (0.82, 0.86), "A": (0.5, 0.6)}
    folder = compared({0.3: arm})
    setup = json.loads((folder / "setup.json").read_text())
    (folder / "setup.json").write_text(
        json.dumps(setup | {"tails": {"0.3": {"RepDiv": "RS2+tail-0-1"}}})
    )
    found = gains(Request("gains", [folder]))
    (row,) = found.pictures[0].numbers["settings"]
    assert row == {
        "setting": "demo, 30%",
        "method": "RepDiv",
        "mean": pytest.approx(84),
        "baseline": "RS2+tail-0-1",
        "baseline mean": pytest.approx(81),
        "seeds": 2,
        "gain": pytest.approx(3),
        "low": pytest.approx(3 - 12.706, abs=1e-3),
        "high": pytest.approx(3 + 12.706, abs=1e-3),
    }
    assert found.tables[0].rows[0][-3:] == ["+3.00", "-9.71", "+15.71"]


def test_a_method_without_whole_epochs_is_compared_with_rs2_and_the_same_runs_are_shown_once(
    compared,
):
    arm = {"RS2": (0.5, 0.6), "A": (0.7, 0.9)}
    folders = [compared({0.3: arm}, name="one"), compared({0.3: arm}, name="two")]
    picture = gains(Request("gains", folders, methods=["A"])).pictures[0]
    (row,) = picture.numbers["settings"]
    assert (row["baseline"], row["gain"]) == ("RS2", pytest.approx(25))
    assert [text.get_text() for text in picture.figure.axes[0].get_yticklabels()] == ["demo, 30%"]


def test_gains_of_a_method_that_is_not_there_are_refused(compared):
    with pytest.raises(ValueError, match="no comparison has the method RepDiv"):
        gains(Request("gains", [compared(ARMS)]))
