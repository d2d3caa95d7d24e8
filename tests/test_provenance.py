"""Content hashes know the same data anywhere, and notes travel with it."""

import shutil

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Image, Value, concatenate_datasets, load_from_disk
from PIL import Image as Picture

from hf_dynsel import provenance
from hf_dynsel.provenance import fingerprint, library_version, record, recorded, require_same


def columns(count=6):
    return {
        "text": [f"row {i}" if i % 5 else None for i in range(count)],
        "label": [i % 3 for i in range(count)],
        "x": [[i / 2, -1.0] for i in range(count)],
    }


def toy(count=6):
    return Dataset.from_dict(columns(count))


def with_derived(dataset):
    count = len(dataset)
    derived = {
        "score_el2n": np.arange(count, dtype=np.float32),
        "sae_indices": [[0, 1]] * count,
        "features": [[0.5] * 8] * count,
    }
    for name, column in derived.items():
        dataset = dataset.add_column(name, column)
    return dataset


def shuffled_and_back(dataset):
    order = np.random.default_rng(0).permutation(len(dataset))
    return dataset.select(order).select(np.argsort(order))


SAME = {
    "numpy format": lambda d: d.with_format("numpy", columns=["label"]),
    "torch format": lambda d: d.with_format("torch"),
    "transform": lambda d: d.with_transform(lambda batch: {"n": [0] * len(batch["text"])}),
    "derived columns": with_derived,
    "slice of more": lambda d: concatenate_datasets([d, d]).select(range(len(d), 2 * len(d))),
    "view of more": lambda d: concatenate_datasets([d, d]).select([0, 1, 2, 9, 10, 11]),
    "two chunks": lambda d: concatenate_datasets([d.select(range(2)), d.select(range(2, len(d)))]),
    "shuffled and back": shuffled_and_back,
    "rewritten": lambda d: shuffled_and_back(d).flatten_indices(),
    "columns reordered": lambda d: d.select_columns(["x", "label", "text"]),
    "renamed and back": lambda d: d.rename_column("x", "z").rename_column("z", "x"),
    "mapped": lambda d: d.map(lambda row: {"n": 1}).remove_columns("n"),
    "with a note": lambda d: record(d, "scores", {"seed": 1}),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_same_content_has_the_same_hash(change):
    assert fingerprint(change(toy())) == fingerprint(toy())


def test_the_place_of_the_files_does_not_matter(tmp_path):
    toy().save_to_disk(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    toy().to_parquet(tmp_path / "data.parquet")
    read = Dataset.from_parquet(str(tmp_path / "data.parquet"), cache_dir=str(tmp_path / "cache"))
    places = [load_from_disk(tmp_path / "one"), load_from_disk(tmp_path / "other"), read]
    assert {fingerprint(place) for place in places} == {fingerprint(toy())}


def test_one_changed_cell_in_any_row_and_column_changes_the_hash():
    changed = {"text": "another", "label": 7, "x": [0.0, 0.25]}
    hashes = {fingerprint(toy())}
    for name, value in changed.items():
        for row in range(6):
            content = columns()
            content[name] = [*content[name][:row], value, *content[name][row + 1 :]]
            hashes.add(fingerprint(Dataset.from_dict(content)))
    assert len(hashes) == 1 + 3 * 6


@pytest.mark.parametrize("row", [0, 1023, 1024, 2049])
def test_a_change_in_any_batch_of_a_longer_dataset_is_seen(row):
    values = np.zeros(2050, np.int64)
    whole = fingerprint(Dataset.from_dict({"label": values}))
    values[row] = 1
    assert fingerprint(Dataset.from_dict({"label": values})) != whole


OTHER = {
    "renamed column": lambda d: d.rename_column("x", "z"),
    "rows reordered": lambda d: d.select([1, 0, 2, 3, 4, 5]),
    "row dropped": lambda d: d.select(range(5)),
    "row repeated": lambda d: d.select([0, 0, 1, 2, 3, 4, 5]),
    "column dropped": lambda d: d.remove_columns("x"),
    "column added": lambda d: d.add_column("n", [0] * 6),
    "other type": lambda d: d.cast_column("label", Value("int32")),
    "classes named": lambda d: d.cast_column("label", ClassLabel(names=["a", "b", "c"])),
}


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_other_content_has_another_hash(change):
    assert fingerprint(change(toy())) != fingerprint(toy())


@pytest.mark.parametrize(
    ("one", "other"),
    [(["ab", "c"], ["a", "bc"]), (["", "a"], [None, "a"]), ([[1, 2], [3]], [[1], [2, 3]])],
    ids=["moved boundary", "empty and missing", "moved list boundary"],
)
def test_what_only_looks_alike_differs(one, other):
    assert fingerprint(Dataset.from_dict({"v": one})) != fingerprint(
        Dataset.from_dict({"v": other})
    )


@pytest.fixture
def three_rows_read(monkeypatch):
    """Of five rows the first, the middle and the last are read."""
    monkeypatch.setattr(provenance, "READ_WHOLE", 0)
    monkeypatch.setattr(provenance, "SAMPLED_ROWS", 3)


@pytest.mark.usefixtures("three_rows_read")
def test_of_large_data_evenly_spaced_rows_are_read():
    whole = fingerprint(Dataset.from_dict({"v": [0, 0, 0, 0, 0]}))
    for row in range(5):
        changed = Dataset.from_dict({"v": [int(i == row) for i in range(5)]})
        assert (fingerprint(changed) != whole) == (row in (0, 2, 4))


@pytest.mark.usefixtures("three_rows_read")
def test_the_number_of_rows_of_large_data_counts():
    counts = {fingerprint(Dataset.from_dict({"v": [0] * count})) for count in range(3, 9)}
    assert len(counts) == 6


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_how_the_same_content_is_held_does_not_decide_whether_rows_are_sampled(change, monkeypatch):
    """Features beside the data, or a view of something larger, do not make the data larger."""
    monkeypatch.setattr(provenance, "READ_WHOLE", len(toy()))
    monkeypatch.setattr(provenance, "SAMPLED_ROWS", 3)
    assert fingerprint(change(toy())) == fingerprint(toy())


def pictures(folder, grey):
    folder.mkdir(exist_ok=True)
    Picture.new("L", (4, 4), grey).save(folder / "0.png")
    return Dataset.from_dict({"image": [str(folder / "0.png")]}).cast_column("image", Image())


def test_image_files_are_the_same_in_another_folder(tmp_path):
    one, other = pictures(tmp_path / "one", 7), pictures(tmp_path / "other", 7)
    assert fingerprint(one) == fingerprint(other)


def test_image_files_with_other_pixels_are_seen(tmp_path):
    before = fingerprint(pictures(tmp_path, 7))
    assert fingerprint(pictures(tmp_path, 8)) != before


@pytest.mark.parametrize(
    "dataset",
    [Dataset.from_dict({"score_x": [1.0]}), Dataset.from_dict({"label": []})],
    ids=["only derived columns", "no rows"],
)
def test_data_with_nothing_to_read_has_a_hash(dataset):
    assert len(fingerprint(dataset)) == 32


def noted():
    return record(toy(), "el2n", {"seed": 3, "config": {"epochs": [1, 2]}})


CARRIES = {
    "map": lambda d, folder: d.map(lambda row: {"n": 1}),
    "filter": lambda d, folder: d.filter(lambda row: row["label"] > 0),
    "shuffle": lambda d, folder: d.shuffle(seed=1),
    "select": lambda d, folder: d.select([2, 0]),
    "split": lambda d, folder: d.train_test_split(0.5, seed=1)["train"],
    "add_column": lambda d, folder: d.add_column("n", [0] * len(d)),
    "format": lambda d, folder: d.with_format("torch"),
    "disk": lambda d, folder: (d.save_to_disk(folder / "d"), load_from_disk(folder / "d"))[1],
    "concatenate": lambda d, folder: concatenate_datasets([d, toy()]),
}


@pytest.mark.parametrize("change", CARRIES.values(), ids=CARRIES)
def test_notes_travel_with_the_data(change, tmp_path):
    kept = {"el2n": {"seed": 3, "config": {"epochs": [1, 2]}}}
    assert recorded(change(noted(), tmp_path)) == kept


def test_joined_data_has_the_notes_of_both():
    both = concatenate_datasets([noted(), record(toy(), "density", {"seed": 4})])
    assert sorted(recorded(both)) == ["density", "el2n"]


def test_a_note_replaces_the_one_of_its_name_and_keeps_the_others():
    twice = record(record(noted(), "density", {"seed": 1}), "el2n", {"seed": 9})
    assert recorded(twice) == {"density": {"seed": 1}, "el2n": {"seed": 9}}


def test_noting_keeps_the_description_and_the_dataset_it_was_given():
    plain = toy()
    plain.info.description = "Two lines\nof text."
    written = record(record(plain, "a", {"seed": 1}), "b", {"seed": 2})
    assert written.info.description.startswith("Two lines\nof text.\n")
    assert plain.info.description == "Two lines\nof text."
    assert recorded(plain) == {}


def test_another_value_is_refused_and_both_are_named():
    require_same("the fingerprint of the data", "abc", "abc")
    with pytest.raises(
        ValueError, match="the fingerprint of the data is 'def' here, but 'abc' where .* add_scores"
    ):
        require_same("the fingerprint of the data", "abc", "def")


def test_the_version_is_known_or_said_to_be_missing(monkeypatch):
    from importlib.metadata import PackageNotFoundError, version

    assert library_version() == version("hf-dynsel")

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(provenance, "version", missing)
    assert library_version() == "not installed"
