"""Blank charts in one style and their PNG bytes; the only file that imports matplotlib."""

import io
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from hf_dynsel.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

INK, SOFT, GRID = "#1f2933", "#52606d", "#e4e7eb"
# Okabe and Ito's colours, told apart with any kind of colour vision, darkest first.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072b2",
    "#d55e00",
    "#007a5e",
    "#aa4d84",
    "#e69f00",
    "#56b4e9",
)
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
DPI = 200


def chart(
    rows: int = 1,
    columns: int = 1,
    *,
    height: float = 3.6,
    width: float = 8.0,
    share_x: bool = False,
    share_y: bool = False,
    heights: Sequence[float] | None = None,
    widths: Sequence[float] | None = None,
) -> tuple["Figure", list["Axes"]]:
    """Returns an empty figure and its axes, row by row.

    It depends on no global matplotlib setting that the style covers, and changes none.

    Args:
        rows: number of rows of axes.
        columns: number of columns of axes.
        height: height of the figure, in inches.
        width: width of the figure, in inches.
        share_x: whether all axes show the same stretch of x.
        share_y: the same of y.
        heights: relative heights of the rows; None means equal ones.
        widths: relative widths of the columns; None means equal ones.
    """
    figures = require("matplotlib.figure", "report")
    figure = figures.Figure(figsize=(width, height), facecolor="white", layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    sizes = {"height_ratios": heights, "width_ratios": widths}
    shared = {"sharex": share_x, "sharey": share_y}
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw=sizes, **shared)
    axes = list(grid.flat)
    for one in axes:
        plain(one)
    return figure, axes


def plain(axes: "Axes") -> None:
    """Gives axes the common look: no box, a light grid behind the data, dark text."""
    axes.set_facecolor("white")
    axes.set_axisbelow(True)
    axes.grid(color=GRID, linewidth=0.8)
    axes.tick_params(colors=SOFT, labelsize=9, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(SOFT)


def label(axes: "Axes", *, title: str = "", x: str = "", y: str = "") -> None:
    """Writes a title and axis labels, left out where empty."""
    if title:
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    if x:
        axes.set_xlabel(x, fontsize=10, color=INK)
    if y:
        axes.set_ylabel(y, fontsize=10, color=INK)


def legend(axes: "Axes", columns: int = 1) -> None:
    """Adds a legend without a frame, where it hides least."""
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, ncols=columns, loc="best")


def line_looks() -> Iterator[dict[str, Any]]:
    """Yields the looks of lines that are told apart also without colour: 6 solid, then others."""
    for style, colour in product(("-", "--", ":", "-."), CYCLE):
        yield {"color": colour, "linestyle": style, "linewidth": 2}


def epochs(axes: "Axes", count: int) -> None:
    """Makes the x axis the epochs trained: epoch e, counted from 0, fills the stretch e to e+1."""
    ticker = require("matplotlib.ticker", "report")
    axes.set_xlim(0, count)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.set_xlabel("epochs trained", fontsize=10, color=INK)


def steps(
    axes: "Axes", values: Float[np.ndarray, " e"], colour: str, name: str, line: str = "-"
) -> None:
    """Draws one value per epoch, level over its epoch; NaN leaves a gap."""
    look: dict[str, Any] = {"linestyle": line, "linewidth": 2 if line == "-" else 1.2}
    axes.stairs(values, np.arange(len(values) + 1), baseline=None, color=colour, label=name, **look)


def percent(axes: "Axes", which: str = "y") -> None:
    """Shows shares on an axis as per cent."""
    ticker = require("matplotlib.ticker", "report")
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=0))


def ticks(axes: "Axes", places: Sequence[float], names: Sequence[str], which: str = "x") -> None:
    """Puts named ticks at places of an axis, and no others."""
    ticker = require("matplotlib.ticker", "report")
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(ticker.FixedLocator(list(places)))
    axis.set_major_formatter(ticker.FixedFormatter(list(names)))
    axis.set_minor_locator(ticker.NullLocator())


def thousands(axes: "Axes", which: str = "y") -> None:
    """Shows counts on an axis as 12k or 3.4M."""
    ticker = require("matplotlib.ticker", "report")
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(ticker.EngFormatter(sep=""))


def blues(lightest: float = 0.0) -> "Colormap":
    """Returns shades of blue from light to dark.

    Args:
        lightest: where in the scale, from white (0) to dark (1), the shades start.
    """
    scale = require("matplotlib", "report").colormaps["Blues"]
    colors = require("matplotlib.colors", "report")
    chosen: Colormap = colors.ListedColormap(scale(np.linspace(lightest, 1, 256)))
    return chosen


def scale_bar(image: "ScalarMappable", axes: Sequence["Axes"], name: str) -> "Axes":
    """Adds the colour scale of an image to the right of axes, and returns the scale's axes."""
    bar = axes[0].figure.colorbar(image, ax=axes, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, colors=SOFT, length=0, which="both")
    label(bar.ax, y=name)
    return bar.ax


def shades(count: int) -> list[tuple[float, ...]]:
    """Returns colours from dark to light that keep their order in any kind of colour vision."""
    colormap = require("matplotlib", "report").colormaps["viridis"]
    return [colormap(place) for place in np.linspace(0, 1, count)]


def png(figure: "Figure") -> bytes:
    """Returns the figure as a PNG, the same bytes for the same figure."""
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    return target.getvalue()


def svg(figure: "Figure") -> bytes:
    """Returns the figure as an SVG, the same bytes for the same figure."""
    target = io.BytesIO()
    with require("matplotlib", "report").rc_context({"svg.hashsalt": "hf-dynsel"}):
        figure.savefig(target, format="svg", facecolor="white", metadata={"Date": None})
    return target.getvalue()
