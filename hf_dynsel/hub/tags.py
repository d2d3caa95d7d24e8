"""Keeps the tags that a card on the Hub was given there."""

import yaml
from huggingface_hub import RepoCard


def with_tags_of(card: str, published: str) -> str:
    """Returns a card with the tags of the published one added behind its own.

    Args:
        card: text of the new README.md.
        published: text of the README.md on the Hub; without readable metadata it has no tags.
    """
    try:
        there, new = _listed(RepoCard(published)), RepoCard(card)
    except (ValueError, TypeError, yaml.YAMLError):
        return card  # if it is ours that cannot be read, the Hub says so
    own = _listed(new)
    kept = [tag for tag in there if isinstance(tag, str) and tag not in own]
    if not kept:
        return card
    new.data["tags"] = own + kept
    return str(new)


def is_readable(card: str) -> bool:
    """Whether the metadata of a card are such that a card can be made from it."""
    try:
        RepoCard(card)
    except (ValueError, TypeError, yaml.YAMLError):
        return False
    return True


def _listed(card: RepoCard) -> list[object]:
    tags = card.data.get("tags")
    return [tags] if isinstance(tags, str) else list(tags) if isinstance(tags, list) else []
