"""Finds the two files of a model in a folder, or takes them from a repository on the Hub."""

from dataclasses import dataclass
from pathlib import Path

from hf_dynsel import hub
from hf_dynsel.model_files import MOST_CONFIG_BYTES, Files, Shapes, most_bytes


@dataclass(frozen=True)
class Location:
    """A folder, or a repository at one commit, with the config of a model at hand.

    Args:
        config: path of the config.
        source: the folder, or the repository and commit.
        files: names of the two files.
        repo_id: the repository; None for a folder.
        commit: of the repository; None for a folder.
    """

    config: Path
    source: str
    files: Files
    repo_id: str | None = None
    commit: str | None = None

    def weights(self, shapes: Shapes) -> Path:
        """Returns the path of the weights, which are downloaded if the Hub has them.

        Args:
            shapes: that the config asks for; a file that needs more bytes is not downloaded.

        Raises:
            ValueError: if the config asks for more than 16 GiB.
            OSError: if the Hub refuses the file, or its size or hash is wrong.
        """
        limit = most_bytes(shapes, self.config)
        if self.repo_id is None:
            return self.config.parent / Path(self.files.weights).name
        limits = {self.files.weights: limit}
        pulled = hub.pull(self.repo_id, limits, repo_type="model", revision=self.commit)
        return pulled.folder / self.files.weights


def find(name: str | Path, files: Files, what: str, revision: str | None) -> Location:
    """Returns where a model is.

    A folder is taken as it is. Any other name is a repository on the Hub, of which only the
    config is downloaded yet; its source names the commit.

    Args:
        name: the folder or the repository.
        files: names of the two files.
        what: the kind of model, for messages.
        revision: branch, tag or commit of the repository.

    Raises:
        ValueError: if a file is missing from the folder, or the name can be neither.
        OSError: if the Hub refuses the repository or cannot be reached.
    """
    folder = Path(name)
    if not folder.is_dir():
        limits = {files.config: MOST_CONFIG_BYTES}
        try:
            pulled = hub.pull(str(name), limits, repo_type="model", revision=revision)
        except ValueError as invalid:
            raise ValueError(f"there is no folder '{name}', and {invalid}") from invalid
        path = pulled.folder / files.config
        return Location(path, pulled.source, files, pulled.repo_id, pulled.commit)
    if revision is not None:
        raise ValueError(f"'{folder}' is a folder, which has no revision; leave out '{revision}'")
    for file in (files.config, files.weights):
        if not (folder / file).is_file():
            raise ValueError(
                f"'{folder}' has no {file}; {what} is saved as {files.config} and {files.weights}"
            )
    return Location(folder / files.config, str(folder), files)
