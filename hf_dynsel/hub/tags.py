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
        there, new = RepoCard(published).data.get("tags"), RepoCard(card)
    except (ValueError, TypeError, yaml.YAMLError):
        return card  # if it is ours that cannot be read, the Hub says so
    own = list(new.data.get("tags") or ())
    kept = [tag for tag in there or () if isinstance(tag, str) and tag not in own]
    if not kept:
        return card
    new.data["tags"] = own + kept
    return str(new)
