"""What a page is made of: sections, and in them pictures and tables."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """One figure.

    Args:
        name: file name without the ending.
        alt: what the figure shows, for people who cannot see it.
        caption: what the figure says, in plain words.
        png: the image.
    """

    name: str
    alt: str
    caption: str
    png: bytes


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
