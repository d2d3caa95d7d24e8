"""Decodes and resizes the images of a dataset once, into a file that later runs map."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import torch
from datasets import Dataset, config
from filelock import FileLock
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from tqdm.auto import tqdm

from hf_dynsel import provenance
from hf_dynsel.data.decoded import DecodedImages
from hf_dynsel.data.images import ImageTransform
from hf_dynsel.data.mapped_images import ImageWriter, MappedImages
from hf_dynsel.extras import require

logger = logging.getLogger(__name__)
BATCH = 256  # images decoded at once, and the most that an interruption costs


def decode_images(
    dataset: Dataset,
    transform: ImageTransform,
    *,
    cache_dir: str | Path | None = None,
    num_workers: int = 0,
    progress: bool = True,
) -> DecodedImages:
    """Returns what `dataset.with_transform(transform)` gives, from images that are decoded once.

    They are kept as 8-bit values in one file of rows x channels x height x width bytes, known by
    the stored images and the size; labels and scores do not matter. An interrupted call goes on
    where it was, and of several processes one decodes.

    ```python
    train = decode_images(scored, ImageTransform(mean, std, size=64, crop_padding=4, flip=True))
    test = decode_images(splits["test"], train.transform.deterministic())
    trainer = DynamicSelectionTrainer(
        model, args, train_dataset=train, eval_dataset=test, selector=RepDiv(keep=0.3)
    )
    ```

    Args:
        dataset: with a column `image`; its order is kept.
        transform: of which only the decoding and resizing is done here.
        cache_dir: where the file goes. None means the cache of `datasets`.
        num_workers: processes that decode.
        progress: whether to show a bar.

    Raises:
        ValueError: if the transform takes random areas, if images differ in size and `size` is
            not set, or if there are none.
        OSError: if the disk has too little space.
    """
    _require_decodable(dataset, transform)
    folder = Path(cache_dir or Path(config.HF_DATASETS_CACHE) / "hf_dynsel").expanduser()
    plain = dataset.select_columns(["image"]).with_format(None)
    file = folder / f"images-{_key(plain, transform)}.safetensors"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):
            if not file.is_file():
                _write(plain, transform, file, num_workers, progress)
    return DecodedImages(dataset, MappedImages(file), transform)


class _Batches(TorchDataset[Tensor]):
    """Consecutive batches of decoded images, from a row on."""

    def __init__(self, rows: Dataset, transform: ImageTransform, start: int) -> None:
        self.rows, self.transform, self.start = rows, transform, start

    def __len__(self) -> int:
        return -(-(len(self.rows) - self.start) // BATCH)

    def __getitem__(self, place: int) -> UInt8[Tensor, "b c h w"]:
        first = self.start + place * BATCH
        return self.transform.decode(self.rows[first : first + BATCH]["image"])


def _write(
    rows: Dataset, transform: ImageTransform, file: Path, num_workers: int, progress: bool
) -> None:
    _, channels, height, width = transform.decode(rows[:1]["image"]).shape
    writer = ImageWriter(file, (len(rows), channels, height, width))
    batches = _Batches(rows, transform, writer.done)
    loader: DataLoader[Tensor] = DataLoader(
        batches,
        batch_size=None,
        num_workers=num_workers,
        generator=torch.Generator(),  # without one, the loader draws from the global stream
    )
    bar = tqdm(
        total=len(rows), initial=writer.done, desc="decode", unit="image", disable=not progress
    )
    with bar:
        writer.write(_counted(loader, bar))
    logger.info("images: %d decoded, %.1f MiB in %s", len(rows), writer.bytes / 2**20, file)


def _counted(batches: "DataLoader[Tensor]", bar: "tqdm[None]") -> Iterator[Tensor]:
    for batch in batches:
        yield batch
        bar.update(len(batch))


def _key(plain: Dataset, transform: ImageTransform) -> str:
    """Returns a hash of all that decides the decoded values."""
    packages = ["PIL", "torchvision"] if transform.shorter_side is not None else ["PIL"]
    settings = [
        provenance.fingerprint(plain),
        [transform.channels, transform.size, transform.shorter_side],
        [provenance.library_version(), *(require(n, "vision").__version__ for n in packages)],
    ]
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:32]


def _require_decodable(dataset: Dataset, transform: ImageTransform) -> None:
    if transform.random_area:
        raise ValueError(
            "random_area=True resizes another area of the stored image each time, so images "
            "cannot be decoded and resized once; leave it out, or use dataset.with_transform"
        )
    if "image" not in dataset.column_names:
        raise ValueError(f"there is no column 'image' (there are: {dataset.column_names})")
    if len(dataset) == 0:
        raise ValueError("the dataset has no rows, and so no images to decode")
