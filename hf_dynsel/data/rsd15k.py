"""RSD_15K, posts by level of suicide risk, from a local CSV file that its authors gave you."""

from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from jaxtyping import Int
from sklearn.model_selection import StratifiedGroupKFold

from hf_dynsel.data.private_csv import read_private_csv
from hf_dynsel.data.source import Source, note_source
from hf_dynsel.data.split import stratified_split, take

RISKS = ("Indicator", "Ideation", "Behavior", "Attempt")
COLUMNS = ("users", "text", "sentiment", "time")
SOURCE = Source("RSD_15K", "text-classification", redistribution=False)


def rsd15k(
    path: str | Path,
    group_by: str | None = None,
    test_size: float = 0.2,
    seed: int = 0,
) -> DatasetDict:
    """Returns `train`, `validation` and `test` of RSD_15K: `text`, `label` and `users`.

    Labels are ordered by risk. Nothing is downloaded, and no text is logged, printed, written to
    a cache or put into an error.

    Args:
        path: the CSV file, with the columns users, text, sentiment and time.
        group_by: "users" keeps all posts of one user in one split, with about the same class
            shares. None splits post by post, as the paper does, so that style and content of
            one user are on both sides: report both.
        test_size: fraction of the posts held out, one half of it for validation and the other
            for test.
        seed: which posts are held out.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged, lacks a column or has an unknown class, or if a class
            is too small to be in every split.

    Reference:
        Zheng, Tao and Zhou, "RSD-15K", ICDE workshops 2025, arXiv 2507.11559: 14,613 posts, split
        80/10/10. Zhou et al., arXiv 2603.04981 (2026): the held-out part halved by class. No
        split file is public, so the rows of ours are not theirs.
    """
    if not 0 < test_size <= 0.5:
        raise ValueError(f"test_size must be in (0, 0.5], got {test_size}: half of it validates")
    if group_by not in (None, "users"):
        raise ValueError(f"group_by must be 'users' or None, got {group_by!r}")
    table = read_private_csv(Path(path), COLUMNS)
    labels = _labels(Path(path), table["sentiment"])
    _, users = np.unique(table["users"], return_inverse=True)
    parts = round(2 / test_size)
    _check_classes(labels, parts)
    if group_by is None:
        rows = _split_posts(labels, test_size, seed)
    else:
        rows = _split_users(labels, users, parts, seed)
    features = Features(
        text=Value("string"), label=ClassLabel(names=list(RISKS)), users=Value("string")
    )
    columns = {"text": table["text"], "label": labels, "users": table["users"]}
    posts = Dataset.from_dict(columns, features=features)
    return note_source(
        DatasetDict({split: take(posts, own) for split, own in rows.items()}), SOURCE
    )


def _labels(path: Path, names: list[str]) -> Int[np.ndarray, " n"]:
    risks = {risk.casefold(): label for label, risk in enumerate(RISKS)}
    labels = np.array([risks.get(name.strip().casefold(), -1) for name in names], dtype=np.int64)
    unknown = np.flatnonzero(labels < 0)
    if len(unknown):
        # The value itself is not shown: in a shifted row it is the text.
        raise ValueError(
            f"{path}: {len(unknown)} rows have another 'sentiment' than {', '.join(RISKS)}, the "
            f"first is row {unknown[0] + 1} after the header; correct them or drop them"
        )
    return labels


def _check_classes(labels: Int[np.ndarray, " n"], parts: int) -> None:
    counts = np.bincount(labels, minlength=len(RISKS))
    if counts.min() < parts:
        raise ValueError(
            f"class '{RISKS[counts.argmin()]}' has {counts.min()} posts; to be in the train, "
            f"validation and test split it needs at least {parts} (two over test_size)"
        )


def _split_posts(
    labels: Int[np.ndarray, " n"], test_size: float, seed: int
) -> dict[str, Int[np.ndarray, " m"]]:
    train, held_out = stratified_split(labels, test_size, seed)
    validation, test = stratified_split(labels[held_out], 0.5, seed)
    return {"train": train, "validation": held_out[validation], "test": held_out[test]}


def _split_users(
    labels: Int[np.ndarray, " n"], users: Int[np.ndarray, " n"], parts: int, seed: int
) -> dict[str, Int[np.ndarray, " m"]]:
    if users.max() + 1 < parts:
        raise ValueError(
            f"the posts are by {users.max() + 1} users; a split by users with this test_size "
            f"needs at least {parts}: raise test_size or set group_by to None"
        )
    folds = StratifiedGroupKFold(n_splits=parts, shuffle=True, random_state=seed)
    held_out = [fold for _, fold in folds.split(labels, labels, users)][:2]
    train = np.setdiff1d(np.arange(len(labels)), np.concatenate(held_out))
    return {"train": train, "validation": held_out[0], "test": held_out[1]}
