"""Leaves out of a recipe what a selector does not need, so that it is not charged for it."""

from collections.abc import Mapping
from typing import Any

from hf_dynsel import scores, selectors
from hf_dynsel.proxy_section import PROXY_COLUMNS, collectable
from hf_dynsel.recipe_sections import MADE_BY, scores_read
from hf_dynsel.section_checks import exported

Content = Mapping[str, Any]


def needed(content: Content, selector: Content) -> dict[str, Any]:
    """Returns a recipe's content with another selector, and only the sections that one needs.

    What proxies collect is kept whole or dropped: it costs one training for all its scores.

    Args:
        content: of a checked recipe.
        selector: `name` and parameters.
    """
    settings = {key: value for key, value in selector.items() if key != "name"}
    built = getattr(selectors, selector["name"])(**settings)
    read, columns = set(scores_read(built.config())), set(built.reads())
    computed = _read_scores(content.get("scores") or {}, read)
    kinds = exported(scores, scores.Score)
    columns.update(*(kinds[name].columns for name in computed if name in kinds))
    sections = {name for name, (_, made) in MADE_BY.items() if made & columns}
    if sections & {"sae", "adapters"}:
        sections.add("features")
    if _collected(content.get("proxy") or {}) & (read | columns):
        sections.add("proxy")
    dropped = ({*MADE_BY, "proxy"} - sections) | {"scores"}
    kept = {name: value for name, value in content.items() if name not in dropped}
    return {**kept, **({"scores": computed} if computed else {}), "selector": dict(selector)}


def _read_scores(section: Content, read: set[str]) -> Content:
    if "from" in section:
        return section if read else {}
    known = exported(scores, scores.Score)
    return {name: settings for name, settings in section.items() if known[name].name in read}


def _collected(section: Content) -> set[str]:
    """Returns the scores and columns that proxies give."""
    known = collectable()
    columns = set(PROXY_COLUMNS) if section.get("vectors") else set()
    return columns | {known[name].name for name in section.get("scores") or {}}
