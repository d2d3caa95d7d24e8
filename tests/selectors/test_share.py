import pytest

from hf_dynsel.selectors.share import share


@pytest.mark.parametrize(
    ("fraction", "size", "count"),
    [(0.29, 100, 29), (0.58, 50_000, 29_000), (0.0, 9, 0), (1.0, 9, 9), (0.5, 3, 1), (0.1, 3, 0)],
)
def test_a_fraction_is_rounded_down_as_on_decimals(fraction, size, count):
    assert share(fraction, size) == count
