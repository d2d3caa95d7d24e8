"""A made-up file of the shape of RSD_15K: its columns, users and class sizes, and no real word."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

HEADER = ("users", "text", "sentiment", "time")
POSTS = {"Indicator": 4615, "Ideation": 7133, "Behavior": 2056, "Attempt": 809}  # in order of risk
USERS = 1265
MEDIAN, MEAN = 55, 94.9  # words in a post
MARKER = "madeupword"  # what must be shown nowhere
SEPARATORS = (" ", ", ", "\n", '"', ",\n")

Post = tuple[str, str, str, str]


def small(share: float) -> dict[str, int]:
    """Returns the sizes of the classes in a share of the file."""
    return {name: round(share * size) for name, size in POSTS.items()}


def posts(sizes: Mapping[str, int] = POSTS, users: int = USERS, seed: int = 0) -> list[Post]:
    """Returns rows in a random order: every user has one, all texts differ, fields need quotes."""
    rng = np.random.default_rng(seed)
    count = sum(sizes.values())
    names = rng.permutation([name for name, size in sizes.items() for _ in range(size)])
    authors = rng.permutation([*range(users), *rng.integers(users, size=count - users)])
    return [
        (f"user{author}", _text(number, rng), str(name), str(1_600_000_000 + number))
        for number, (author, name) in enumerate(zip(authors, names, strict=True))
    ]


def _text(number: int, rng: np.random.Generator) -> str:
    spread = np.sqrt(2 * np.log(MEAN / MEDIAN))  # of a log-normal length
    length = int(np.clip(rng.lognormal(np.log(MEDIAN), spread), 1, 1000))
    words = [f"{MARKER}{word}" for word in rng.integers(300, size=length)]
    return SEPARATORS[number % len(SEPARATORS)].join([f"{number}, {MARKER}", *words])


def write(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    """Writes the rows as CSV, and returns the path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path
