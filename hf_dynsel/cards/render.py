"""Fills the templates of cards; every value is escaped unless it is Markdown already."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from hf_dynsel.cards.escape import Markdown, code, escape, fenced
from hf_dynsel.report.picture import Picture

TEMPLATES = Path(__file__).parent / "templates"
FIGURES = "figures"


class Missing(jinja2.Undefined):
    """A fact that is not given: it may be asked for, but not shown."""

    __slots__ = ()

    def __str__(self) -> str:
        self._fail_with_undefined_error()


def render(template: str, **facts: Any) -> str:
    """Returns a template of `templates/` filled with facts.

    Raises:
        jinja2.UndefinedError: if the template shows a fact that is not given.
        TypeError: if it shows one that is None.
    """
    text: str = _environment().get_template(f"{template}.md").render(facts)
    return text.strip() + "\n"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=Missing,
        finalize=escape,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "code": code,
        "fenced": fenced,
        "image": image,
        "number": number,
        "percent": lambda share: f"{share:.1%}",
        "python": python,
        "words": words,
    }
    return environment


def number(value: float) -> str:
    """Returns a count with commas, and any other number with four significant digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def words(values: Sequence[Any], most: int = 30) -> Markdown:
    """Returns the first values of a list, and how many more there are."""
    more = [f"and {len(values) - most:,} more"] if len(values) > most else []
    return Markdown(", ".join([*map(escape, values[:most]), *more]))


def python(value: Any) -> Markdown:
    """Returns a plain value as Python code, for use inside a block of it."""
    plain = isinstance(value, str) and value.isprintable() and not set(value) & set('"\\')
    return Markdown(f'"{value}"' if plain else repr(value))


def image(picture: Picture) -> Markdown:
    """Returns a figure that lies in `figures/` beside the card, and its caption."""
    caption = " ".join(map(escape, picture.caption.split()))  # of any length
    return Markdown(f"![{escape(picture.alt)}]({FIGURES}/{picture.name}.png)\n\n{caption}")


def save_figures(pictures: Sequence[Picture], folder: Path) -> None:
    """Writes the figures of a card into `figures/` in its folder."""
    (folder / FIGURES).mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        (folder / FIGURES / f"{picture.name}.png").write_bytes(picture.png)
