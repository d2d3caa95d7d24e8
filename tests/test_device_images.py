"""Where images are cropped and mirrored on the device: the same views, as likely as on the host."""

from collections import Counter

import numpy as np
import pytest
import torch
from scipy.stats import chi2
from torch.utils.data import DataLoader, default_collate

from augment_kit import Marking, Pictures, marks
from decoded_kit import PADDING, RANDOM, decoded, normalised, views
from hf_dynsel import TrivialAugmentWide
from hf_dynsel.augment import Augmentation
from hf_dynsel.core import Selection
from hf_dynsel.data.crops import crop, mirror, random_crop, random_flip
from hf_dynsel.device_images import DeviceImages, has_room
from hf_dynsel.indexed import INDEX
from hf_dynsel.mixing import Mixing
from hf_dynsel.places import draw_places
from hf_dynsel.sample_keys import PLACED, sample_keys
from hf_dynsel.selectors import FullData
from hf_dynsel.training_view import TrainingView

SIZE, SEED, CPU = 36, 11, torch.device("cpu")

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker:UserWarning")


def epochs(folder, order=range(SIZE), batch_size=5, count=2, **settings):
    """The finished images of each epoch in the order of rows, from one loader."""
    rows = decoded(folder, SIZE)
    view = TrainingView(FullData(), SIZE, SEED, images=DeviceImages(rows, SEED, CPU))
    loader = DataLoader(
        view.dataset(rows),
        batch_size,
        sampler=list(order),
        collate_fn=view.collator(default_collate),
        **settings,
    )
    found = []
    for epoch in range(count):
        view.start(epoch, Selection(np.arange(SIZE)))
        images = torch.empty(SIZE, 3, 12, 12)
        for batch in loader:
            view.of_batch(batch, batch[INDEX])
            assert sorted(batch) == [INDEX, "labels", "pixel_values"]
            assert batch["labels"].tolist() == [row % 3 for row in batch[INDEX].tolist()]
            images[batch[INDEX]] = batch["pixel_values"]
        found.append(images)
    return torch.stack(found)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 7, "order": reversed(range(SIZE))},
        {"num_workers": 4, "multiprocessing_context": "fork", "persistent_workers": True},
        pytest.param(
            {"num_workers": 1, "multiprocessing_context": "spawn", "persistent_workers": True},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["one", "other_batches", "fork", "spawn"],
)
def test_views_are_cut_out_by_seed_epoch_and_row_alone(settings, tmp_path):
    wanted = torch.stack([normalised(views(SIZE, epoch, SEED)) for epoch in (0, 1)])
    assert torch.equal(epochs(tmp_path, **settings), wanted)


def test_each_epoch_places_images_anew():
    rows = np.arange(1000)
    first, second = (draw_places(sample_keys(SEED, e, PLACED, rows), 4, True) for e in (0, 1))
    same = (first == second).all(1).mean()
    assert same < 0.02  # of 162 places, one in 162 is the same


def seen_views(images):
    """How often each distinct image comes up."""
    return Counter(bytes(image.flatten().tolist()) for image in images)


def test_views_are_as_likely_on_the_device_as_on_the_host():
    """3 x 3 pixels, all different, moved by up to one each way and mirrored: 18 views.

    The sum of squared differences by what is expected is below its 99.9th percentile, for either.
    """
    count = 18_000
    images = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 3, 3).repeat(count, 1, 1, 1)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        on_host = random_flip(random_crop(images, 1))
    places = torch.from_numpy(draw_places(sample_keys(5, 0, PLACED, np.arange(count)), 1, True))
    on_device = mirror(crop(images, 1, places[:, :2]), places[:, 2] > 0)
    for seen in (seen_views(on_host), seen_views(on_device)):
        assert len(seen) == 18
        statistic = sum((found - 1000) ** 2 / 1000 for found in seen.values())
        assert statistic < chi2.ppf(0.999, 17)
    assert seen_views(on_host).keys() == seen_views(on_device).keys()


@pytest.mark.parametrize("padding", [2, 4, 8])
def test_every_place_is_equally_likely(padding):
    places = draw_places(sample_keys(0, 0, PLACED, np.arange(100_000)), padding, True)
    assert places.min() == 0 and places.max(0).tolist() == [2 * padding, 2 * padding, 1]
    for column, count in zip(places.T, (2 * padding + 1, 2 * padding + 1, 2), strict=True):
        seen, wanted = np.bincount(column), len(places) / count
        assert ((seen - wanted) ** 2 / wanted).sum() < chi2.ppf(0.999, count - 1)
    pairs = np.corrcoef(places.T)[np.triu_indices(3, 1)]
    assert np.abs(pairs).max() < 0.02  # six times what chance gives


def test_without_flip_nothing_is_mirrored_and_without_padding_nothing_moves():
    keys = sample_keys(0, 0, PLACED, np.arange(50))
    assert not draw_places(keys, 3, False)[:, 2].any()
    assert not draw_places(keys, 0, True)[:, :2].any()


def test_marked_images_are_augmented_between_the_crop_and_the_normalisation(tmp_path):
    rows = decoded(tmp_path, SIZE)
    augment = TrivialAugmentWide(on_device=True)
    images = DeviceImages(rows, SEED, CPU)
    view = TrainingView(Marking(), SIZE, SEED, augment, images=images)
    view.start(1, marks(1, SIZE))
    batch = view.collator(default_collate)(view.dataset(rows).__getitems__(range(SIZE)))
    view.of_batch(batch, batch[INDEX])

    alone = Augmentation(TrivialAugmentWide(), Marking(), SIZE, SEED)
    alone.start(1, marks(1, SIZE))
    samples = [{"pixel_values": image} for image in views(SIZE, 1, SEED)]
    levels = torch.stack([s["pixel_values"] for s in alone.of_samples(range(SIZE), samples)])
    assert torch.equal(batch["pixel_values"], normalised(levels))
    assert not torch.equal(levels, views(SIZE, 1, SEED))


def test_nothing_of_a_batch_is_read_on_the_host(tmp_path):
    """Tensors on the device 'meta' have no values: to read one would fail, and so would a copy."""
    meta = torch.device("meta")
    images = DeviceImages(decoded(tmp_path, SIZE), SEED, meta)
    view = TrainingView(FullData(), SIZE, SEED, images=images)
    view.start(0, Selection(np.arange(SIZE)))
    rows = view.dataset(None).__getitems__(range(6))
    batch = {n: c.to(meta) for n, c in view.collator(default_collate)(rows).items()}
    with Copies() as copies:
        view.of_batch(batch, batch[INDEX])
    assert copies.devices == []
    assert batch["pixel_values"].shape == (6, 3, 12, 12)
    assert batch["pixel_values"].dtype == torch.float32


class Copies(torch.utils._python_dispatch.TorchDispatchMode):
    """Notes copies from one device to another."""

    def __init__(self):
        super().__init__()
        self.devices = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        if isinstance(found, torch.Tensor):
            given = {a.device.type for a in args if isinstance(a, torch.Tensor)}
            self.devices += [function] if given - {found.device.type} else []
        return found


def test_with_room_all_images_lie_on_the_device_and_batches_bring_rows_alone(tmp_path, monkeypatch):
    wanted = epochs(tmp_path)
    monkeypatch.setattr("hf_dynsel.device_images.has_room", lambda size, device: True)
    images = DeviceImages(decoded(tmp_path, SIZE), SEED, CPU)
    assert sorted(images.fetched().__getitems__([3, 1]).batch) == ["labels"]
    assert torch.equal(epochs(tmp_path), wanted)


def test_the_collator_of_a_worker_carries_no_images(tmp_path):
    """A copy of those on a GPU would have every worker open the GPU."""
    view = TrainingView(FullData(), SIZE, 0, images=DeviceImages(decoded(tmp_path, SIZE), 0, CPU))
    collator = view.collator(default_collate)
    assert collator.draws is None
    held = [collator.augmentation, collator.places]
    tensors = [v for part in held for v in vars(part).values() if isinstance(v, torch.Tensor)]
    assert tensors and sum(tensor.numel() for tensor in tensors) < 2 * SIZE


def test_images_stay_on_a_gpu_where_four_times_as_much_is_free(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "get_memory_info", lambda device: (4000, 9000))
    gpu = torch.device("cuda", 0)
    assert has_room(1000, gpu) and not has_room(1001, gpu)
    assert not has_room(1, CPU)


def test_what_would_come_before_the_crop_is_refused(tmp_path):
    rows = decoded(tmp_path, SIZE)
    images = DeviceImages(rows, SEED, CPU)
    with pytest.raises(ValueError, match=r"cropped on the device, .*\(on_device=True\), without"):
        TrainingView(Marking(), SIZE, SEED, TrivialAugmentWide(), images=images)
    with pytest.raises(ValueError, match="cropped on the device, .* leave out mixing"):
        TrainingView(FullData(), SIZE, 0, None, Mixing(3, mixup_alpha=1.0), images)
    view = TrainingView(FullData(), SIZE, SEED, images=images)
    with pytest.raises(ValueError, match="whole batches, .* leave out data_collator"):
        view.collator(lambda samples: default_collate(samples))


def test_pictures_are_what_was_stored(tmp_path):
    assert torch.equal(decoded(tmp_path, 4).images.tensor, Pictures(4).levels)
    assert RANDOM.crop_padding == PADDING
