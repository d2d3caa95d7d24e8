import matplotlib
import numpy as np

from hf_dynsel.report.canvas import chart, label, legend, percent, png, steps

DARK = {
    "figure.facecolor": "black",
    "axes.facecolor": "black",
    "text.color": "white",
    "axes.titlecolor": "white",
    "axes.labelcolor": "white",
    "axes.edgecolor": "white",
    "xtick.color": "white",
    "grid.color": "red",
    "legend.labelcolor": "white",
    "savefig.facecolor": "black",
}


def drawn() -> bytes:
    figure, (axes,) = chart(height=2.0, width=3.0)
    steps(axes, np.array([0.2, 0.5, 0.1]), "#0072b2", "share")
    percent(axes)
    legend(axes)
    label(axes, title="Title", x="x", y="y")
    return png(figure)


def test_a_dark_style_of_the_user_changes_nothing() -> None:
    plain = drawn()
    with matplotlib.rc_context(DARK):
        assert drawn() == plain


def test_global_settings_are_left_alone() -> None:
    before = dict(matplotlib.rcParams)
    drawn()
    assert dict(matplotlib.rcParams) == before
