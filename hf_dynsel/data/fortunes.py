"""The texts of the Unix program `fortune`: about 14,000 short texts in 31 unbalanced classes."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from hf_dynsel.data.locate import locate
from hf_dynsel.data.source import Source, note_source
from hf_dynsel.data.split import check_test_size, split_dataset

DEBIAN = Path("/usr/share/games/fortunes")
INDEX_SUFFIXES = {".dat", ".u8"}
SOURCE = Source("fortune-mod", "text-classification")
SEPARATOR = re.compile(r"^%[ \t]*$", flags=re.MULTILINE)


def fortunes(
    folder: str | Path | None = None,
    min_class_size: int = 100,
    test_size: float = 0.2,
    seed: int = 0,
) -> DatasetDict:
    """Returns `train` and `test` of a folder of fortune files, with columns `text` and `label`.

    Each file is a class; its texts are separated by lines that hold a single `%`. Two texts are
    the same if their letters and digits are, whatever the case, punctuation and spacing. Of
    repeats within a file the first is kept; texts in several files have no true class and are all
    dropped, so that no text is in both splits.

    Args:
        folder: where the files are. None looks in `$HF_DYNSEL_DATA/fortunes` and where the
            Debian packages `fortunes` and `fortunes-min` put them.
        min_class_size: texts a file must have, repeats not counted, to be a class.
        test_size: fraction of the texts held out, of each class alike.
        seed: which texts are held out.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if fewer than two files are large enough, or `test_size` is not in (0, 1).
    """
    check_test_size(test_size)
    remedy = "apt-get install fortunes fortunes-min"
    root = Path(folder) if folder is not None else locate("fortunes", DEBIAN, remedy)
    texts = without_repeats(read_fortunes(root))
    classes = [name for name, own in texts.items() if len(own) >= min_class_size]
    if len(classes) < 2:
        sizes = {name: len(own) for name, own in texts.items()}
        raise ValueError(
            f"{root} has {len(classes)} files of at least {min_class_size} texts, but a "
            f"classifier needs two (texts by file: {sizes}); lower min_class_size"
        )
    columns = {
        "text": [text for name in classes for text in texts[name]],
        "label": np.repeat(np.arange(len(classes)), [len(texts[name]) for name in classes]),
    }
    features = Features(text=Value("string"), label=ClassLabel(names=classes))
    splits = split_dataset(Dataset.from_dict(columns, features=features), test_size, seed)
    return note_source(splits, SOURCE)


def read_fortunes(folder: Path) -> dict[str, list[str]]:
    """Returns the non-empty texts of each fortune file, by file name in alphabetical order."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; give the one with the fortune files")
    files = [p for p in folder.iterdir() if p.is_file() and p.suffix not in INDEX_SUFFIXES]
    return {path.name: _texts(path) for path in sorted(files)}


def without_repeats(texts: dict[str, list[str]]) -> dict[str, list[str]]:
    """Returns the texts that are in one file only, each once."""
    unique = {name: {_letters(text): text for text in reversed(own)} for name, own in texts.items()}
    files_with = Counter(letters for own in unique.values() for letters in own)
    return {
        name: [text for letters, text in reversed(own.items()) if files_with[letters] == 1]
        for name, own in unique.items()
    }


def _texts(path: Path) -> list[str]:
    parts = SEPARATOR.split(path.read_text(encoding="utf-8", errors="replace"))
    return [text for text in (part.strip("\n") for part in parts) if text.strip()]


def _letters(text: str) -> str:
    # Drawings have no letters; they are the same only if every character is.
    return "".join(filter(str.isalnum, text.casefold())) or text
