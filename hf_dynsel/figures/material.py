"""What figures of a run are made from: its folder, and what is derived again by its recipe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from datasets import Dataset
from jaxtyping import Bool, Float, Int

from hf_dynsel import provenance
from hf_dynsel.data import wrong_labels
from hf_dynsel.data.split import label_array
from hf_dynsel.encoding import encode, featured
from hf_dynsel.ledger import Ledger
from hf_dynsel.recipe import Recipe, RecipeError, load
from hf_dynsel.report.runfolder import RECIPE, RunFolder, read_run
from hf_dynsel.report.training_set import class_names, require_training_set
from hf_dynsel.sae import SparseAutoencoder, add_codes
from hf_dynsel.scores import Representativeness, add_scores, attach, load_scores
from hf_dynsel.scores.active import CODE_COLUMNS
from hf_dynsel.scores.columns import read_column
from hf_dynsel.scores.files import TABLES, Also
from hf_dynsel.stages import SAE, load_data, score

Made = TypeVar("Made")
REPRESENTATIVENESS = Representativeness.name


@dataclass(frozen=True)
class Material:
    """A run; what its folder does not hold is made when it is first asked for, and cached.

    Args:
        folder: of a finished run.
        overrides: `key.sub=value`, changes of its recipe, such as where weights are by now.
        traced: whether the samples of each epoch are needed.
    """

    folder: Path
    overrides: Sequence[str] = ()
    traced: bool = False

    @cached_property
    def run(self) -> RunFolder:
        """The files of the run."""
        return read_run(self.folder, selections=self.traced)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe of the run, with the overrides."""
        path = self.folder / RECIPE
        if not path.is_file():
            raise FileNotFoundError(
                f"{self.folder} has no {RECIPE}, which says how to derive what the folder does not "
                "hold; put the recipe of the run there"
            )
        try:
            return load(path, self.overrides)
        except RecipeError as faults:
            raise ValueError(
                f"{faults}\nA recipe of another machine may need changes, which stand behind the "
                "command: key.sub=value"
            ) from faults

    @cached_property
    def dataset(self) -> Dataset:
        """The training set, in the order of the run."""
        recipe = self.recipe
        train = self._derived("the training set", lambda: load_data(recipe)["train"])
        require_training_set(self.run, train)
        return train

    @cached_property
    def scored(self) -> RunFolder:
        """The run with its scores and classes, made again if the folder has none."""
        if self.run.scores and self.run.labels is not None:
            return self.run
        classes, labels = np.unique(self.labels, return_inverse=True)
        return replace(
            self.run,
            scores=self.run.scores or self._scores(),
            label="label",
            labels=labels,
            classes=tuple(classes.tolist()),
        )

    def _scores(self) -> Mapping[str, Float[np.ndarray, " n"]]:
        if not (self.recipe.scores or self.recipe.proxy):
            raise self._lacks("scores", "scores={Representativeness: {}, Diversity: {}} sae={}")
        train = self.dataset
        return self._derived("scores", lambda: score(self.recipe, train, Ledger()).pool().scores)

    @cached_property
    def features(self) -> Float[np.ndarray, "n d"]:
        """The features of the training set."""
        return read_column(self._featured, "features")

    @cached_property
    def codes(self) -> dict[str, np.ndarray]:
        """The units of each sample and their values: `sae_indices`, `sae_values`."""
        return {name: read_column(self._coded, name) for name in CODE_COLUMNS}

    @cached_property
    def num_units(self) -> int:
        """Units of the autoencoder, those that never fire included."""
        note = provenance.recorded(self._coded).get("sae")
        named = int(self.codes[CODE_COLUMNS[0]].max()) + 1
        return int(note["config"]["num_latents"]) if note else named

    @cached_property
    def common_frac(self) -> float:
        """Share of the units that counts as common, as in the run."""
        return self._representativeness.common_frac

    @cached_property
    def representativeness(self) -> Float[np.ndarray, " n"]:
        """The score of that name."""
        if REPRESENTATIVENESS in self.run.scores:
            return self.run.scores[REPRESENTATIVENESS]
        scored = add_scores(self._coded, [self._representativeness])
        return read_column(scored, f"score_{REPRESENTATIVENESS}")

    @cached_property
    def labels(self) -> Int[np.ndarray, " n"]:
        """The class of each sample, as the learner saw it."""
        return label_array(self.dataset)

    @cached_property
    def class_names(self) -> list[str]:
        """The names of all classes of the training set."""
        return [str(name) for name in self.dataset.features["label"].names]

    @cached_property
    def wrong(self) -> Bool[np.ndarray, " n"] | None:
        """Which samples have a wrong label; None where that is not known."""
        if not self.run.summary.label_noise:
            return None
        return wrong_labels(self.dataset)

    @property
    def score_class_names(self) -> list[str]:
        """The names of the classes in the order of the run's scores."""
        return class_names(self.scored, self.dataset)

    @property
    def _representativeness(self) -> Representativeness:
        settings = (self.recipe.scores or {}).get("Representativeness") or {}
        return Representativeness(**settings)

    @cached_property
    def _featured(self) -> Dataset:
        if (held := self._held("features")) is not None:
            return held
        if not self.recipe.features:
            raise self._lacks("features", "features.backbone=Pixels")
        train = self.dataset
        return self._derived("features", lambda: featured(self.recipe, train, Ledger()))

    @cached_property
    def _coded(self) -> Dataset:
        if (held := self._held("codes")) is not None:
            return held
        if (self.folder / SAE).is_dir():
            made, sae = self._featured, SparseAutoencoder.from_pretrained(self.folder / SAE)
            return self._derived("codes", lambda: add_codes(made, sae))
        if self.recipe.sae is None:
            raise self._lacks("sae", "sae={}")
        made = self._featured
        return self._derived("codes", lambda: encode(self.recipe, made, Ledger())[0])

    def _held(self, name: Also) -> Dataset | None:
        """Returns the training set with columns that lie in the folder; None if they do not."""
        folder = self.folder / "scores"
        if not (folder / f"{name}.parquet").is_file():
            return None
        table = load_scores(folder, also=[name])
        return attach(self.dataset, table).select_columns([*TABLES[name], "label"])

    def _derived(self, what: str, make: Callable[[], Made]) -> Made:
        """Returns what is made; an error of making says what it is for."""
        try:
            return make()
        except (ValueError, TypeError, OSError, ImportError) as error:
            raise ValueError(
                f"this figure needs {what}, which {self.folder} does not hold, and its {RECIPE} "
                f"does not lead to it here: {error}\nWhat has moved can be named behind the "
                "command, such as features.weights=FILE"
            ) from error

    def _lacks(self, section: str, example: str) -> ValueError:
        return ValueError(
            f"this figure needs {section}, which {self.folder} does not hold, and its {RECIPE} has "
            f"no section '{section}'; give one behind the command, such as {example}"
        )
