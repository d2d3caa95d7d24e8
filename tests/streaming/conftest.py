"""Handwritten digits as a stream, an autoencoder with random weights, and their scores."""

from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import Dataset, disable_progress_bars, enable_progress_bars

from hf_dynsel.data import digits
from hf_dynsel.features import Pixels, extract
from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig, add_codes
from hf_dynsel.scores import Diversity, Representativeness, add_scores
from hf_dynsel.streaming import score_stream
from unchecked_kit import unchecked as unchecked

SHARD = 256


@pytest.fixture(scope="session")
def images() -> Dataset:
    """1,437 images in ten classes."""
    disable_progress_bars()
    train = digits()["train"]
    enable_progress_bars()
    return train


@pytest.fixture(scope="session")
def sae() -> SparseAutoencoder:
    return SparseAutoencoder(SparseAutoencoderConfig(64, 128, 8), seed=1)


@pytest.fixture(scope="session")
def reference(images: Dataset, sae: SparseAutoencoder, tmp_path_factory) -> Dataset:
    """The images with the scores of the map-style path."""
    featured = extract(images, Pixels(), cache_dir=tmp_path_factory.mktemp("features"))
    return add_scores(add_codes(featured, sae), [Representativeness(), Diversity()])


@pytest.fixture(scope="session")
def scored(images: Dataset, sae: SparseAutoencoder, tmp_path_factory) -> Callable[[int], Path]:
    """Returns a function that gives the scores of the stream in so many sources."""
    made: dict[int, Path] = {}

    def folder(sources: int) -> Path:
        if sources not in made:
            stream = images.to_iterable_dataset(num_shards=sources)
            place = tmp_path_factory.mktemp(f"sources{sources}")
            made[sources] = score_stream(stream, place, Pixels(), sae, shard_size=SHARD)
        return made[sources]

    return folder
