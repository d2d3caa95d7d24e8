"""What models of ours have in common: they are saved, loaded, and shared on the Hub."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from torch import nn

from hf_dynsel import hub, model_files
from hf_dynsel.json_files import read_object
from hf_dynsel.model_files import OURS, Shapes
from hf_dynsel.model_location import find
from hf_dynsel.origin import Origin

TRAINING, ORIGIN, README = "training", "origin", "README.md"
Model = TypeVar("Model", bound="SavedModel")


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Args:
        what: it is called, for messages.
        config: class of the settings.
        summary: class of the account of the training.
        shapes: of the tensors by name, given the settings.
        card: writes the card of a repository, given the settings, the training, the origin, the
            repository and the license.
    """

    what: str
    config: type
    summary: type
    shapes: Callable[[Any], Shapes]
    card: Callable[..., str]


class SavedModel(nn.Module, ABC):
    """A model that is a config and a few tensors, and knows how it was trained.

    Args:
        config: a dataclass of plain values.

    Attributes:
        summary: how the training went; None for a model that was not trained by this package.
        origin: the data and the encoder it was trained on; None where that is unknown.
        source: the folder, or the Hub repository and commit, it was loaded from.
    """

    config: Any
    summary: Any

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.summary = None
        self.origin: Origin | None = None
        self.source: str | None = None

    @classmethod
    @abstractmethod
    def kind(cls) -> Kind:
        """Returns what saving and loading must know of the class."""

    def fingerprint(self) -> str:
        """Returns a hash of the config and the weights, the same after saving and loading."""
        return model_files.fingerprint(self.config, self.state_dict())

    def save_pretrained(self, folder: str | Path) -> None:
        """Saves `config.json`, with the summary and the origin, and `model.safetensors`."""
        model_files.write(Path(folder), self._settings(), self.state_dict())

    @classmethod
    def from_pretrained(cls: type[Model], name: str | Path, revision: str | None = None) -> Model:
        """Returns a saved model, on the CPU, with every value checked before use.

        Args:
            name: a folder that `save_pretrained` wrote, or a repository on the Hub.
            revision: branch, tag or commit of the repository.

        Raises:
            ValueError: if a file is missing, damaged, or does not fit the other one.
            OSError: if the Hub refuses the repository or cannot be reached.
        """
        kind = cls.kind()
        found = find(name, OURS, kind.what, revision)
        settings = read_object(found.config)
        training, origin = settings.pop(TRAINING, None), settings.pop(ORIGIN, None)
        config: Any = model_files.build(kind.config, settings, found.config)
        summary = _optional(kind.summary, training, found.config)
        noted = _optional(Origin, origin, found.config)
        shapes = kind.shapes(config)
        tensors = model_files.read_tensors(found.weights(shapes), shapes)
        model = cls(config)
        model.load_state_dict(tensors)
        model.summary, model.origin, model.source = summary, noted, found.source
        return model

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool = False,
        revision: str | None = None,
        license: str | None = None,
        dry_run: bool = False,
    ) -> hub.Pushed:
        """Sends the model and its card to the Hub as one commit, and returns what was sent.

        Args:
            repo_id: the repository, as `user/name`; it is made if missing.
            private: makes a new repository private; one that exists must be.
            revision: the branch; the default branch if None.
            license: of the weights, an identifier that the Hub knows, such as "mit".
            dry_run: sends nothing, and asks nothing of the Hub.

        Raises:
            OSError: if the Hub refuses or cannot be reached; the text says what to do.
            ValueError: if a name cannot be one.
        """
        if repo_id.count("/") != 1:
            raise ValueError(f"'{repo_id}' must be user/name: the card says how to load the model")
        kind, settings = self.kind(), self._settings()
        training, origin = settings.pop(TRAINING), settings.pop(ORIGIN)
        card = kind.card(settings, training, origin, repo_id, license)
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            Path(folder, README).write_text(card, encoding="utf-8")
            return hub.push(
                Path(folder),
                repo_id,
                repo_type="model",
                message=f"Upload {kind.what}",
                owned=(OURS.config, OURS.weights, README),
                private=private,
                revision=revision,
                dry_run=dry_run,
            )

    def _settings(self) -> dict[str, Any]:
        extras = {TRAINING: self.summary, ORIGIN: self.origin}
        noted = {name: asdict(value) if value else None for name, value in extras.items()}
        return asdict(self.config) | noted


def _optional(kind: type, values: Any, path: Path) -> Any:
    return None if values is None else model_files.build(kind, values, path)
