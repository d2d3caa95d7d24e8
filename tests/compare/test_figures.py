"""The charts: same results, same bytes; every method at its cost."""

import pytest

from hf_dynsel.compare.figures import draw, pictures

ARM = {"FullData": (0.9, 0.92), "RS2": (0.8, 0.82), "A": (0.7, 0.74)}


def test_both_charts_are_png_and_svg_and_always_the_same(results) -> None:
    found = results(ARM)
    files = pictures(found)
    assert sorted(files) == ["by_samples.png", "by_samples.svg", "by_seconds.png", "by_seconds.svg"]
    assert files == pictures(found)
    assert files["by_samples.png"].startswith(b"\x89PNG")
    assert b"<svg" in files["by_seconds.svg"]


@pytest.mark.parametrize(("against", "cost"), [("samples", 120), ("seconds", 11)])
def test_a_method_stands_at_its_cost_and_its_mean(results, against: str, cost: int) -> None:
    axes = draw(results(ARM), against).axes[0]
    drawn = dict(zip(axes.get_legend_handles_labels()[1], axes.containers, strict=True))
    assert list(drawn) == ["FullData", "RS2", "A"]
    assert drawn["A"].lines[0].get_xydata().tolist() == [[cost, pytest.approx(72.0)]]
