"""Lists what a folder would send to the Hub, and refuses what must not be sent."""

from pathlib import Path

LARGEST = 50 * 1000**3  # bytes; the Hub takes no larger file


def files_of(folder: Path) -> dict[str, Path]:
    """Returns the files of a folder and its sub-folders, by the name they get on the Hub.

    Raises:
        ValueError: if there is none, or one is a link, hidden or too large for the Hub.
    """
    if not folder.is_dir():
        raise ValueError(f"'{folder}' is not a folder; give the folder whose files to push")
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        _require_plain(path, name)
        if path.is_file():
            files[name] = path
    if not files:
        raise ValueError(f"'{folder}' holds no files; there is nothing to push")
    return files


def _require_plain(path: Path, name: str) -> None:
    if path.is_symlink():
        raise ValueError(f"'{path}' is a symbolic link, and only files are pushed: copy it here")
    if any(part.startswith(".") for part in name.split("/")):
        raise ValueError(f"'{path}' is hidden, and only visible files are pushed: remove it")
    if "\\" in name or any(ord(letter) < 32 for letter in name):
        raise ValueError(f"{str(path)!r} has a name that other systems cannot hold: rename it")
    if not path.is_dir() and not path.is_file():
        raise ValueError(f"'{path}' is neither a file nor a folder: remove it")
    if path.is_file() and (size := path.stat().st_size) > LARGEST:
        raise ValueError(
            f"'{path}' has {size:,} bytes, and the Hub takes at most {LARGEST:,} in one file: "
            "split it"
        )
