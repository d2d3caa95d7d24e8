"""What wrong labels cost each method, paired by seed, beside table 8."""

from pathlib import Path

import pytest

from hf_dynsel.suite.drops import Drop, drops
from hf_dynsel.suite.files import read_suite
from suite_kit import write_member, write_suite_file

MEMBERS = {
    "clean": {"recipe": "x.yaml", "published": {"metric": "top1_acc_pct_clean"}},
    "noisy": {"recipe": "x.yaml", "published": {"metric": "top1_acc_pct_noisy20"}},
}
CLEAN = {"RepDiv": (0.80, 0.82), "Moderate": (0.6, 0.6), "FullData": (0.9, 0.9)}
NOISY = {"RepDiv": (0.70, 0.70), "Moderate": (0.5,), "RCAP": (0.4, 0.4)}


def suite(folder: Path, noisy: bool = True) -> list[Drop]:
    write_suite_file(folder, table="8", drop=["clean", "noisy"], members=MEMBERS)
    write_member(folder / "clean", {"0.3": CLEAN})
    if noisy:
        write_member(folder / "noisy", {"0.3": NOISY})
    found = read_suite(folder)
    return drops(found.suite, found.results)


def test_a_drop_is_of_the_same_seeds_and_methods(tmp_path: Path) -> None:
    """RepDiv loses 10 and 12 points; Moderate has one seed in both; the paper prints 14.84."""
    moderate, repdiv = suite(tmp_path)
    assert (repdiv.method, repdiv.first, repdiv.second) == ("RepDiv", 81.0, 70.0)
    assert (repdiv.drop.mean, repdiv.drop.seeds) == (pytest.approx(11.0), 2)
    assert repdiv.paper == 14.84
    assert (moderate.method, moderate.drop.seeds) == ("Moderate", 1)
    assert (moderate.first, moderate.second, moderate.paper) == (60.0, 50.0, 7.47)


def test_without_both_members_there_is_no_drop(tmp_path: Path) -> None:
    assert suite(tmp_path, noisy=False) == []


def test_without_a_measure_that_is_compared_there_is_no_drop(tmp_path: Path) -> None:
    changes = {"table": "8", "drop": ["clean", "noisy"], "columns": ["seconds"]}
    write_suite_file(tmp_path, members=MEMBERS, **changes)
    for name in MEMBERS:
        write_member(tmp_path / name, {"0.3": CLEAN})
    found = read_suite(tmp_path)
    assert drops(found.suite, found.results) == []
