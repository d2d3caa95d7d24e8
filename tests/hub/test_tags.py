"""Tags of the card on the Hub are added to those of the new card, each once."""

import pytest

from card_kit import metadata
from hf_dynsel.hub.tags import with_tags_of


@pytest.mark.parametrize(
    ("own", "published", "merged"),
    [
        ("[a]", "[b, a]", ["a", "b"]),
        ("[a]", "mine", ["a", "mine"]),
        ("mine", "[b]", ["mine", "b"]),
        ("[a]", "{b: c}", ["a"]),
        ("[a]", "[1, b]", ["a", "b"]),
        ("[a]", "7", ["a"]),
    ],
)
def test_tags_are_merged(own, published, merged):
    card = with_tags_of(f"---\ntags: {own}\n---\n# New\n", f"---\ntags: {published}\n---\n# Old\n")
    assert metadata(card)["tags"] == merged
    assert card.endswith("# New\n")
