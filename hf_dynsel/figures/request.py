"""What a figure is asked for: of which folders, and of which classes or methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hf_dynsel.compare.results import SETUP, Results, read_results
from hf_dynsel.figures.material import Material


@dataclass(frozen=True)
class Request:
    """The input of a figure.

    Args:
        name: of the figure.
        folders: of runs, or of results of comparisons.
        overrides: `key.sub=value`, changes of the recipes of runs.
        classes: names of the classes to show; none means the figure's own choice.
        methods: labels of the methods to show; none means the figure's own choice.
        projection: that places codes on a map, `umap` or `tsne`.
    """

    name: str
    folders: Sequence[Path]
    overrides: Sequence[str] = ()
    classes: Sequence[str] = ()
    methods: Sequence[str] = ()
    projection: Literal["umap", "tsne"] = "umap"

    def run(self, *, traced: bool = False) -> Material:
        """Returns the one run that the figure is of.

        Args:
            traced: whether the figure needs the samples of each epoch.

        Raises:
            ValueError: if there are several.
        """
        if len(self.folders) != 1:
            raise ValueError(
                f"the figure '{self.name}' is of one run, got {len(self.folders)} folders; draw "
                "one after another"
            )
        return Material(self.folders[0], self.overrides, traced)

    def runs(self) -> list[Material]:
        """Returns the runs of a figure of several, with the samples of each epoch."""
        return [Material(folder, self.overrides, traced=True) for folder in self.folders]

    def results(self) -> list[Results]:
        """Returns the results of comparisons.

        Raises:
            ValueError: if a folder holds none, or there are overrides, which results do not take.
        """
        if self.overrides:
            raise ValueError(
                f"the figure '{self.name}' is of finished results, which no recipe changes; leave "
                f"out {self.overrides[0]}"
            )
        return [read_results(_results_in(folder)) for folder in self.folders]

    def class_numbers(self, names: Sequence[str], default: Sequence[int]) -> list[int]:
        """Returns the numbers of the classes to show.

        Args:
            names: of all classes.
            default: the figure's own choice.

        Raises:
            ValueError: if a class is not there.
        """
        for name in self.classes:
            if name not in names:
                raise ValueError(f"there is no class '{name}'; the classes are {', '.join(names)}")
        return [names.index(name) for name in self.classes] or list(default)


def _results_in(folder: Path) -> Path:
    """Returns the folder itself or its `results`, whichever has the setup of a comparison."""
    inside = folder / "results"
    return inside if (inside / SETUP).is_file() else folder
