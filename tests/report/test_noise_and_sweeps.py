"""The parts of a report that some runs have: wrong labels, and looks at the pool."""

from pathlib import Path

from hf_dynsel.report import results_table, write_report
from hf_dynsel.report.noise_figure import noise_section
from hf_dynsel.report.summary import read_summary
from hf_dynsel.report.sweep_table import sweep_section

NOISE = {"pool": 0.18, "selected": [0.18, 0.05, 0.03, 0.06]}
LOOKS = [
    {"recall": 1.0, "seconds_build": 1.0, "seconds_query": 2.0},
    {"recall": 0.98, "seconds_build": 3.0, "seconds_query": 4.0},
]
LOOKED = {
    "samples_swept": 600,
    "seconds": {"train": 100.0, "sweep": 25.0},
    "optimizer_steps": 50,
    "sweeps": LOOKS,
}


def test_the_share_of_wrong_labels_is_said_beside_that_of_the_pool() -> None:
    """(0.18 + 0.05 + 0.03 + 0.06) / 4 = 0.08."""
    (picture,) = noise_section(NOISE).pictures
    assert "8.0% on average over epochs, 18.0% in the training set" in picture.caption
    assert "AUC" not in picture.caption
    (told,) = noise_section(NOISE | {"auc": {"consistency": 0.98765}}).pictures
    assert "the AUC consistency 0.988 " in told.caption


def test_looks_are_charged_in_seconds_shares_and_steps(make_run, tmp_path: Path) -> None:
    """A search takes (1 + 2 + 3 + 4) / 2 = 5 s, and a step 100 / 50 = 2 s."""
    summary = read_summary(make_run(tmp_path, **LOOKED) / "summary.json")
    (table,) = sweep_section(summary).tables
    assert dict(table.rows) == {
        "looks": "2",
        "samples looked at": "600",
        "forward passes, of training": "25.00 s, 25.0%",
        "building the index, of training": "4.00 s, 4.0%",
        "asking for neighbours, of training": "6.00 s, 6.0%",
        "recall of neighbours, mean and lowest": "0.9900, 0.9800",
        "one search, in optimizer steps": "5.00 s, 2 steps",
    }


def test_the_table_of_results_has_columns_for_noise_and_looks(make_run, tmp_path: Path) -> None:
    """Of eight epochs seven select; of these the mean share is (1 + 2 + ... + 7) / 7 = 4 %."""
    noise = {"pool": 0.2, "selected": [0.01 * epoch for epoch in range(1, 8)] + [0.2]}
    machine = {"devices": [], "cpu": "a cpu", "torch_threads": 1, "commit": "0"}
    changes = {
        "label_noise": noise,
        "eval": {"accuracy": 0.5},
        "environment": {"packages": {"torch": "2", "transformers": "5"}, **machine},
    }
    joint = make_run(tmp_path / "run", **LOOKED, **changes)
    method = tmp_path / "results" / "joint"
    method.mkdir(parents=True)
    (method / "seed-0.json").write_bytes((joint / "summary.json").read_bytes())
    head, _, row = results_table(tmp_path / "results").splitlines()[:3]
    cells = dict(zip(head.split(" | "), row.split(" | "), strict=True))
    assert cells["wrong labels, %"] == "4.00" and cells["looked at"] == "600"


def test_looks_without_a_search_leave_its_rows_out(make_run, tmp_path: Path) -> None:
    summary = read_summary(make_run(tmp_path, **LOOKED | {"sweeps": [{}]}) / "summary.json")
    (table,) = sweep_section(summary).tables
    assert [name for name, _ in table.rows] == [
        "looks",
        "samples looked at",
        "forward passes, of training",
    ]


def test_the_page_has_them_where_the_run_has_them(make_run, tmp_path: Path) -> None:
    plain = write_report(make_run(tmp_path / "plain")).read_text()
    both = write_report(make_run(tmp_path / "both", **LOOKED, label_noise=NOISE)).read_text()
    for title in ("Wrong labels among the samples", "What looking at the samples cost"):
        assert title in both and title not in plain
