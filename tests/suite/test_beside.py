"""Which published number stands beside which of ours."""

from hf_dynsel.published import Number, published
from hf_dynsel.suite.beside import ambiguous, beside, in_our_unit
from hf_dynsel.suite.measures import Measure, measure_of


def measure(name: str) -> Measure:
    found = measure_of(name)
    assert found is not None
    return found


ACCURACY, SPEEDUP = measure("accuracy"), measure("speedup")


def number(method: str, value: float, keep: float | None, metric: str = "top1_acc_pct") -> Number:
    return Number("B", "1", method, metric, value, keep, "CIFAR-10", "ResNet-18")


def test_a_number_stands_beside_its_method_fraction_and_measure() -> None:
    ours, infobatch = number("Ours", 95.3, 0.3), number("InfoBatch", 94.7, 0.3)
    found = beside([ours, infobatch], [ACCURACY, SPEEDUP])
    assert found.of("RepDiv", 0.3, ACCURACY) == ours
    assert found.of("InfoBatch", 0.3, ACCURACY) == infobatch
    assert found.of("RepDiv", 0.7, ACCURACY) is None
    assert found.of("RepDiv", 0.3, SPEEDUP) is None


def test_a_number_without_a_fraction_stands_beside_each_of_ours() -> None:
    ours = number("Ours", 1.34, None, "speedup_x")
    found = beside([ours], [SPEEDUP])
    assert found.of("RepDiv", 0.3, SPEEDUP) == found.of("RepDiv", 0.7, SPEEDUP) == ours


def test_full_data_is_the_same_at_every_fraction() -> None:
    full = number("Full", 96.1, 1.0)
    found = beside([full], [ACCURACY])
    assert found.of("FullData", 0.3, ACCURACY) == found.of("FullData", 0.7, ACCURACY) == full


def test_whatever_keeps_all_of_it_is_full_data() -> None:
    """Table 2 has no row of full data, but every row has a column of 100 %."""
    found = beside(published().table("B", "2")[:4], [ACCURACY])
    full = found.of("FullData", 0.3, ACCURACY)
    assert full is not None
    assert full.value == 73.1


def test_hours_of_the_paper_are_seconds_here() -> None:
    """0.0028 GPU hours are 10.08 s, 0.7 are 2,520 s."""
    assert in_our_unit(number("Ours", 0.0028, None, "overhead_gpu_h"), measure("overhead")) == 10.08
    assert in_our_unit(number("Ours", 0.7, None, "gpu_h"), measure("seconds")) == 2520


def test_two_numbers_for_one_place_are_a_fault_that_names_both() -> None:
    clean, noisy = (
        number("Ours", value, 0.3, f"top1_acc_pct_{kind}")
        for kind, value in (("clean", 75.7), ("noisy20", 60.86))
    )
    (fault,) = ambiguous([clean, noisy], [ACCURACY])
    assert "'Ours' (top1_acc_pct_clean 75.7) and 'Ours' (top1_acc_pct_noisy20 60.86)" in fault
    assert "would both stand beside RepDiv, keep 0.3" in fault
    assert list(ambiguous([clean, noisy], [SPEEDUP])) == []


def test_the_same_value_twice_is_no_fault() -> None:
    assert list(ambiguous(published().table("B", "2")[:8], [ACCURACY])) == []


def test_no_table_of_methods_is_ambiguous() -> None:
    for table in ("1", "2", "3"):
        rows = published().table("B", table)
        for place in {(row.dataset, row.backbone) for row in rows}:
            mine = [row for row in rows if (row.dataset, row.backbone) == place]
            assert list(ambiguous(mine, [ACCURACY])) == []
