"""The seconds of each stage of several methods, beside what they saved."""

from compare_kit import summary
from hf_dynsel.report.stage_table import stage_table
from hf_dynsel.report.summary import Summary


def run(label: str, seed: int = 0, **changes: object) -> Summary:
    """4 epochs of 30 of 100 samples, in 10 s: the others would have taken 10 * (400/120 - 1) s."""
    content = summary(label, seed, 0.5, **changes)
    return Summary(**content | {"samples_per_epoch": (30,) * 4})


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [line.strip("| ").split(" | ") for line in lines if not line.startswith("| ---")]


def test_seconds_are_means_over_seeds_and_stages_without_any_are_left_out() -> None:
    first = run("A", seconds={"select": 1.0, "features": 2.0, "train": 10.0, "sweep": 0.0})
    second = run("A", 1, seconds={"select": 2.0, "train": 30.0})
    assert rows(stage_table({"A": [first, second]}, 4)) == [
        ["method", "features", "select", "train", "overhead", "saved"],
        ["A", "1.0", "1.5", "20.0", "2.5", "46.7"],
    ]


def test_a_saving_counts_from_the_epochs_of_the_comparison() -> None:
    """Full data for 8 epochs is 800 samples: 10 * (800 / 120 - 1) s."""
    assert rows(stage_table({"A": [run("A")]}, 8))[1][-1] == "56.7"


def test_methods_that_do_not_pay_are_named_and_others_are_not() -> None:
    seconds = {"train": 10.0, "features": 23.4}
    every = {
        "dear": run("dear", seconds=seconds),
        "cheap": run("cheap"),
        "FullData": run("FullData", samples_trained=400, samples_forwarded=400),
        "gradients": run("gradients", samples_forwarded=520),
    }
    table = stage_table({label: [one] for label, one in every.items()}, 4)
    assert table.endswith("as long as it saved, or longer: dear.")
    assert [row[-1] for row in rows(table)[1:]] == ["23.3", "23.3", "0.0", "-"]


def test_nothing_is_said_where_all_pay() -> None:
    assert "Selection took" not in stage_table({"A": [run("A")]}, 4)
