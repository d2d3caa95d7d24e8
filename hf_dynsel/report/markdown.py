"""Rows as a table of Markdown."""

from collections.abc import Mapping, Sequence


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Returns rows with the same keys as a table."""
    head = [list(rows[0]), ["---"] * len(rows[0])]
    body = [list(row.values()) for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [*head, *body])
