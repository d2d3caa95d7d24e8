"""Raw pixels as features, optionally projected on their principal components."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from jaxtyping import Float
from sklearn.decomposition import IncrementalPCA
from torch import Tensor, nn

from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.columns import only_column
from hf_dynsel.features.images import to_array

ROWS_PER_FIT = 4096


def pixel_batch(rows: list[dict[str, Any]], column: str) -> dict[str, Tensor]:
    """Returns the images of some rows as one batch of flat 8-bit `pixels`.

    Raises:
        ValueError: if the images differ in size.
    """
    arrays = [to_array(row[column]) for row in rows]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise ValueError(
            f"raw pixels need images of one size, but '{column}' holds {shapes[0]} and "
            f"{shapes[1]}; resize them, or use a network such as TimmImage"
        )
    return {"pixels": torch.from_numpy(np.stack(arrays)).flatten(1)}


@dataclass
class Pixels(Backbone):
    """Pixels from 0 to 1, flattened, of images that all have one size.

    The components are those of the dataset that `prepare` was given last, so features of two
    datasets compare only without PCA.

    Args:
        column: PIL images or 8-bit arrays.
        pca: number of principal components to keep. None keeps the pixels.
    """

    column: str = "image"
    pca: int | None = None
    width: int = field(default=0, init=False, repr=False, compare=False)
    projection: nn.Module = field(
        default_factory=nn.Identity, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.pca is not None and self.pca < 1:
            raise ValueError(f"pca must be at least 1 component, got {self.pca}")

    @property
    def dim(self) -> int:
        """The length of a feature vector; zero before `prepare`."""
        return self.width

    @property
    def module(self) -> nn.Module:
        """The projection on the components; without PCA it does nothing."""
        return self.projection

    def view(self, dataset: Dataset) -> Dataset:
        """Returns the image column alone."""
        return only_column(dataset, self.column)

    @property
    def collate(self) -> "partial[dict[str, Tensor]]":
        """A function from rows to flat 8-bit pixels."""
        return partial(pixel_batch, column=self.column)

    def prepare(self, dataset: Dataset) -> None:
        """Measures the images and fits the components, reading 4096 rows or more at a time.

        Raises:
            ValueError: if `pca` exceeds the number of rows or of pixels.
        """
        view = self.view(dataset)
        self.width = self._read(view, range(1)).shape[1]
        if self.pca is not None:
            self.projection = self._fit(view, self.width, self.pca)
            self.width = self.pca

    def identity(self) -> dict[str, Any]:
        """Returns the class and its settings: the components follow from the data."""
        settings = {"column": self.column, "pca": self.pca}
        return {"backbone": "Pixels", **settings, "preprocessing": "pixel / 255"}

    def encode(self, batch: dict[str, Tensor]) -> Float[Tensor, "b d"]:
        """Returns the scaled pixels or their components."""
        features: Tensor = self.module(batch["pixels"].float() / 255)
        return features

    def _read(self, view: Dataset, rows: range) -> Float[np.ndarray, "n p"]:
        pixels = self.collate(view.__getitems__(rows))["pixels"]
        return (pixels.float() / 255).numpy()

    def _fit(self, view: Dataset, pixels: int, components: int) -> nn.Linear:
        if components > min(len(view), pixels):
            raise ValueError(
                f"pca={components} needs as many rows and pixels, but there are {len(view)} rows "
                f"of {pixels} pixels; lower pca"
            )
        parts = max(1, len(view) // max(ROWS_PER_FIT, components))
        edges = np.linspace(0, len(view), parts + 1).astype(int)
        pca = IncrementalPCA(components)
        for start, stop in zip(edges[:-1], edges[1:], strict=True):
            pca.partial_fit(self._read(view, range(start, stop)))
        with torch.random.fork_rng(devices=[]):  # torch draws initial weights
            project = nn.Linear(pixels, components)
        project.weight.data = torch.from_numpy(pca.components_).float()
        project.bias.data = torch.from_numpy(-pca.components_ @ pca.mean_).float()
        return project
