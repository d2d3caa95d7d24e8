"""Puts text from outside into a card so that it stays text."""

import html
import re
from typing import Any

MOST_CHARACTERS = 300
SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$!])")
LEADING = re.compile(r"^([-+=])")


class Markdown(str):
    """Text that is Markdown already, and goes into a card as it is."""

    __slots__ = ()


def one_line(value: Any) -> str:
    """Returns a value as one line of at most 300 printable characters."""
    printable = "".join(c if c.isprintable() else " " for c in str(value))
    line = " ".join(printable.split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 3]}..."


def escape(value: Any) -> Markdown:
    """Returns a value as Markdown that shows it, with neither markup, HTML nor a link in it.

    Raises:
        TypeError: for None: a fact that is missing is left out with its line.
    """
    if isinstance(value, Markdown):
        return value
    if value is None:
        raise TypeError("a card does not say None: leave the line of a missing fact out")
    text = SPECIAL.sub(r"\\\1", html.escape(one_line(value), quote=False))
    return Markdown(LEADING.sub(r"\\\1", text).replace("://", ":&#47;&#47;"))


def code(value: Any) -> Markdown:
    """Returns a name as code, or as plain text if it holds what would end the code."""
    line = one_line(value)
    return escape(line) if not line or set(line) & set("`|") else Markdown(f"`{line}`")


def fenced(text: str, language: str) -> Markdown:
    """Returns a block of code, whose fence is longer than any in the text."""
    kept = "".join(c for c in text.strip("\n") if c.isprintable() or c in "\n\t")
    longest = max((len(run) for run in re.findall(r"`+", kept)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown(f"{fence}{language}\n{kept}\n{fence}")
