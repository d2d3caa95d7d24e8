"""Legends that hide nothing, as they stand outside of axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hf_dynsel.report.canvas import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def legend_below(figure: "Figure", axes: Sequence["Axes"], columns: int) -> None:
    """Adds one legend of several axes below the whole figure; each name is there once."""
    pairs = [zip(*one.get_legend_handles_labels(), strict=True) for one in axes]
    named = {name: handle for own in pairs for handle, name in own}
    figure.legend(
        named.values(),
        named.keys(),
        loc="outside lower center",
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        ncols=columns,
    )


def legend_right(axes: "Axes", *, stacked: bool = False) -> None:
    """Adds a legend to the right of axes.

    Args:
        axes: with named lines or areas.
        stacked: whether the last is on top, as in a stack.
    """
    handles, names = axes.get_legend_handles_labels()
    order = -1 if stacked else 1
    axes.legend(
        handles[::order],
        names[::order],
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        markerscale=1.5,
    )
