"""The rows of a comparison, from made-up runs whose numbers a reader can check."""

import pytest

from hf_dynsel.compare.table import table

RS2 = (0.50, 0.60, 0.70)


def rows(found):  # noqa: ANN001, ANN201
    return {line.label: line for line in table(found)[0.3]}


def test_means_spreads_and_costs_are_over_seeds(results) -> None:
    """Full data takes 4 epochs of 100 samples: 400 / 120 = 3.33 times fewer. 11 s of 16 count."""
    line = rows(results({"RS2": RS2}))["RS2"]
    assert (line.seeds, line.mean, line.std) == pytest.approx((3, 0.60, 0.10))
    assert (line.samples_trained, line.fewer_samples) == (120, pytest.approx(400 / 120))
    assert (line.extra_seconds, line.total_seconds) == (1.0, 11.0)


def test_fewer_samples_counts_against_the_epochs_of_the_recipe(results) -> None:
    """A run of 10 epochs of its own has trained on as much as 4 epochs of all data: once."""
    longer = {"epochs": 10, "samples_trained": 400, "samples_full": 1000}
    line = rows(results({"RS2": RS2}, summaries={"RS2": longer}))["RS2"]
    assert line.fewer_samples == 1.0


def test_proxies_count_as_extra(results) -> None:
    spent = {"seconds": {"proxy": 7.0, "features": 2.0, "train": 1.0, "eval": 9.0}}
    line = rows(results({"RS2": RS2, "EL2N": RS2}, summaries={"EL2N": spent}))["EL2N"]
    assert (line.extra_seconds, line.total_seconds) == (9.0, 10.0)


def test_rows_are_ordered_by_their_mean(results) -> None:
    found = table(results({"B": (0.1,), "RS2": (0.3,), "A": (0.1,)}))[0.3]
    assert [line.label for line in found] == ["RS2", "A", "B"]


def test_a_clear_difference_is_better_or_worse(results) -> None:
    """Gaps of 0.100 ± 0.001 have t = 173 at 2 degrees of freedom: p = 3.3e-5, and twice that."""
    up, down = (0.599, 0.70, 0.801), (0.401, 0.50, 0.599)
    found = rows(results({"RS2": RS2, "Up": up, "Down": down}))
    assert found["Up"].to_rs2.adjusted == pytest.approx(6.667e-5, rel=1e-3)
    assert found["Up"].verdicts == ["better than RS2 (+10.00, 95 % CI +9.75 to +10.25, p < 0.001)"]
    assert found["Down"].verdicts[0].startswith("worse than RS2 (-10.00")


def test_a_difference_within_noise_is_said_to_be(results) -> None:
    """Gaps 0.02, 0.00, 0.01: t = 1.73, p = 0.23."""
    line = rows(results({"RS2": RS2, "A": (0.52, 0.60, 0.71)}))["A"]
    assert line.verdicts == ["within noise of RS2 (+1.00, 95 % CI -1.48 to +3.48, p = 0.225)"]


def test_tests_are_corrected_for_all_methods_of_the_budget(results) -> None:
    """Gaps 0.02, 0.035, 0.03: t = 6.4, p = 0.023; of three like it, three times that is 0.07."""
    near = (0.52, 0.635, 0.73)
    alone = rows(results({"RS2": RS2, "A": near}))["A"]
    assert alone.verdicts[0].startswith("better than RS2")
    among = rows(results({"RS2": RS2, "A": near, "B": near, "C": near}))["A"]
    assert among.to_rs2.adjusted == pytest.approx(3 * alone.to_rs2.p)
    assert among.verdicts == [
        "better than RS2 on its own, within noise among so many comparisons "
        "(+2.83, 95 % CI +0.94 to +4.73, p = 0.070)"
    ]


def test_rows_that_are_always_there_are_not_tested(results) -> None:
    arm = {"RS2": RS2, "FullData": (0.9, 0.91, 0.93), "RS2+tail-0-1": (0.6, 0.65, 0.9)}
    found = rows(results(arm))
    assert found["FullData"].to_rs2.p is not None
    assert found["FullData"].to_rs2.adjusted is None
    assert not any(line.verdicts for line in found.values())


def test_a_method_is_judged_against_the_rs2_with_its_own_tail_too(results) -> None:
    """Better than RS2 by 10 points, worse than RS2 with the same whole epochs by 5."""
    arm = {
        "RS2": RS2,
        "RS2+tail-0-1": (0.65, 0.75, 0.85),
        "A": (0.599, 0.70, 0.801),
        "B": (0.5, 0.6, 0.71),
    }
    found = rows(results(arm, tails={"A": "RS2+tail-0-1"}))
    assert [said.split(" (")[0] for said in found["A"].verdicts] == [
        "better than RS2",
        "worse than RS2+tail-0-1",
    ]
    assert found["B"].to_tail is None
    assert found["A"].to_tail.adjusted == pytest.approx(2 * found["A"].to_tail.p)


def test_one_seed_gives_no_verdict(results) -> None:
    line = rows(results({"RS2": (0.5,), "A": (0.9,)}))["A"]
    assert line.verdicts == ["one seed: no verdict against RS2"]


def test_identical_runs_are_said_to_be(results) -> None:
    assert rows(results({"RS2": RS2, "A": RS2}))["A"].verdicts == ["identical to RS2"]


def test_the_same_difference_in_every_seed_gives_no_verdict(results) -> None:
    line = rows(results({"RS2": RS2, "A": (0.51, 0.61, 0.71)}))["A"]
    said = "the same difference to RS2 in every seed (+1.00): no verdict"
    assert line.verdicts == [said]


def test_without_a_run_of_rs2_there_is_no_difference(results) -> None:
    line = rows(results({"A": RS2}))["A"]
    assert line.to_rs2 is None
    assert line.verdicts == ["no run of RS2 with the same seed: no verdict"]
