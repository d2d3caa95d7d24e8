"""What a page is made of: sections, and in them pictures and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hf_dynsel.report.canvas import png, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """One figure.

    Args:
        name: file name without the ending.
        alt: what the figure shows, for people who cannot see it.
        caption: what the figure says, in plain words.
        figure: the figure.
        numbers: that it shows, as plain data.
    """

    name: str
    alt: str
    caption: str
    figure: "Figure" = field(repr=False)
    numbers: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def png(self) -> bytes:
        """The image, as pixels."""
        return png(self.figure)

    @cached_property
    def svg(self) -> bytes:
        """The image, as lines and text shapes of any size."""
        return svg(self.figure)


@dataclass(frozen=True)
class Table:
    """Rows of plain text under a header."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Args:
        title: heading.
        pictures: the figures, in reading order.
        missing: one sentence for each thing left out.
        tables: tables after the figures.
    """

    title: str
    pictures: Sequence[Picture] = ()
    missing: Sequence[str] = ()
    tables: Sequence[Table] = ()
