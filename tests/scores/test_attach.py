import importlib

import numpy as np
import pytest
from datasets import (
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Value,
    concatenate_datasets,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.data import digits
from hf_dynsel.provenance import fingerprint, record, recorded
from hf_dynsel.scores import attach, load_scores, save_scores

attach_module = importlib.import_module("hf_dynsel.scores.attach")

ENTRY = {"class": "Diversity", "config": {}, "label": "label"}


def scored(texts, labels, values):
    """A dataset with a score of known origin."""
    dataset = Dataset.from_dict({"text": list(texts), "label": list(labels)})
    dataset = dataset.add_column("score_own", np.asarray(values, np.float32))
    return record(dataset, "scores", {"own": ENTRY})


@pytest.fixture
def texts():
    return scored([f"text {i}" for i in range(20)], np.arange(20) % 3, np.arange(20) / 20)


@pytest.fixture
def table(texts, tmp_path):
    save_scores(texts, tmp_path)
    return load_scores(tmp_path)


def bare(dataset):
    return dataset.remove_columns([n for n in dataset.column_names if n.startswith("score_")])


def number(row):
    return int(row["text"].split()[1])


def assert_right(attached):
    """Text i has the score i / 20, wherever it stands."""
    assert len(attached)
    for row in attached:
        assert row["score_own"] == np.float32(number(row) / 20)


@st.composite
def changes(draw):
    """Says how a dataset of 20 rows is shuffled, split, filtered and put together again."""
    kinds = ["shuffle", "select", "filter", "concatenate", "split", "flatten", "csv", "json"]
    return draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4)), draw(
        st.integers(0, 1000)
    )


def change(dataset, kind, seed, folder):
    rng = np.random.default_rng(seed)
    match kind:
        case "shuffle":
            return dataset.shuffle(seed=seed)
        case "select":
            return dataset.select(rng.integers(0, len(dataset), rng.integers(1, 30)))
        case "filter":
            kept = set(rng.integers(0, 20, 15).tolist()) | {number(dataset[0])}
            return dataset.filter(lambda row: number(row) in kept)
        case "concatenate":
            cut = int(rng.integers(0, len(dataset)))
            parts = dataset.select(range(cut, len(dataset))), dataset.select(range(cut))
            return concatenate_datasets([part for part in parts if len(part)])
        case "split":
            if len(dataset) < 3:
                return dataset
            return dataset.train_test_split(0.3, seed=seed)["train"]
        case "flatten":
            return dataset.flatten_indices()
        case "csv" | "json":
            path = str(folder / f"{seed}.{kind}")
            getattr(dataset, f"to_{kind}")(path)
            return getattr(Dataset, f"from_{kind}")(path, cache_dir=str(folder / "cache"))


@settings(max_examples=40, deadline=None)
@given(changes())
def test_every_row_gets_its_own_score_whatever_was_done_to_the_dataset(tmp_path_factory, plan):
    kinds, seed = plan
    folder = tmp_path_factory.mktemp("scores")
    whole = scored([f"text {i}" for i in range(20)], np.arange(20) % 3, np.arange(20) / 20)
    save_scores(whole, folder)
    dataset = bare(whole)
    for step, kind in enumerate(kinds):
        dataset = change(dataset, kind, seed + step, folder)
    attached = attach(dataset, load_scores(folder))
    assert attached["text"][:] == dataset["text"][:]
    assert_right(attached)


def test_images_written_in_another_format_keep_their_scores(tmp_path):
    whole = digits()["train"].select(range(50))
    values = np.arange(50, dtype=np.float32)
    save_scores(record(whole.add_column("score_own", values), "scores", {"own": ENTRY}), tmp_path)
    for row in whole:
        folder = tmp_path / "folder" / str(row["label"])
        folder.mkdir(parents=True, exist_ok=True)
    for place, row in enumerate(whole):
        row["image"].save(tmp_path / "folder" / str(row["label"]) / f"{place}.png")
    from datasets import load_dataset

    cache = str(tmp_path / "cache")
    again = load_dataset("imagefolder", data_dir=str(tmp_path / "folder"), cache_dir=cache)
    again = again["train"]
    attached = attach(again, load_scores(tmp_path))
    files = again.cast_column("image", type(again.features["image"])(decode=False))
    places = [int(row["image"]["path"].rsplit("/", 1)[1].removesuffix(".png")) for row in files]
    assert attached["score_own"][:] == [values[place] for place in places]


def test_another_dataset_is_refused(table):
    other = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]})
    with pytest.raises(ValueError, match="none of the 2 rows is among the 20 .* of other data"):
        attach(other, table, missing="drop")


def test_rows_without_scores_are_refused_and_counted(texts, table):
    more = concatenate_datasets([bare(texts), Dataset.from_dict({"text": ["new"], "label": [0]})])
    with pytest.raises(ValueError, match="1 of the 21 rows have no score .* is row 20"):
        attach(more, table)


def test_rows_without_scores_are_dropped_if_asked(texts, table):
    new = Dataset.from_dict({"text": ["new"], "label": [0]})
    attached = attach(concatenate_datasets([new, bare(texts)]), table, missing="drop")
    assert attached["text"][:] == texts["text"][:]
    assert_right(attached)


def test_rows_without_scores_get_a_number_if_asked(texts, table):
    new = Dataset.from_dict({"text": ["new"], "label": [0]})
    attached = attach(concatenate_datasets([new, bare(texts)]), table, missing=-1.0)
    assert attached["score_own"][0] == -1
    assert_right(attached.select(range(1, 21)))


@pytest.mark.parametrize("number", [float("nan"), 1e300])
def test_no_row_gets_a_score_that_cannot_be_ranked(texts, table, number):
    with pytest.raises(ValueError, match="missing must be a finite float32 number"):
        attach(texts, table, missing=number)


def test_rows_are_found_by_hash_where_the_fingerprint_does_not_read_all(texts, table, monkeypatch):
    """Of much data it reads a part, so that two rows that changed places may agree with it."""
    monkeypatch.setattr(attach_module, "READ_WHOLE", 10)
    monkeypatch.setattr(attach_module, "fingerprint", lambda _: table.notes["dataset_fingerprint"])
    assert_right(attach(bare(texts).select([1, 0, *range(2, 20)]), table))


def test_one_outlier_does_not_make_different_scores_alike(tmp_path):
    save_scores(scored(["a", "a", "b"], [0, 0, 0], [1, 900, 1e6]), tmp_path)
    rows = Dataset.from_dict({"text": ["b", "a"], "label": [0, 0]})
    with pytest.raises(ValueError, match="1 samples .* different 'score_own'"):
        attach(rows, load_scores(tmp_path))


@pytest.fixture
def animals(tmp_path):
    """Scores of texts whose classes have names."""
    features = Features(text=Value("string"), label=ClassLabel(names=["dog", "cat"]))
    columns = {"text": ["a", "b", "c"], "label": [0, 1, 1]}
    whole = Dataset.from_dict(columns, features=features)
    whole = record(whole.add_column("score_own", np.float32([1, 2, 3])), "scores", {"own": ENTRY})
    save_scores(whole, tmp_path)
    return load_scores(tmp_path)


def test_classes_are_the_same_by_name_whatever_their_numbers(animals):
    other = Features(text=Value("string"), label=ClassLabel(names=["cat", "dog"]))
    columns = {"text": ["c", "a"], "label": [0, 1]}
    assert attach(Dataset.from_dict(columns, features=other), animals)["score_own"][:] == [3, 1]
    words = Dataset.from_dict({"text": ["c", "a"], "label": ["cat", "dog"]})
    assert attach(words, animals)["score_own"][:] == [3, 1]
    numbers = Dataset.from_dict({"text": ["c", "a"], "label": [1, 0]})
    assert attach(numbers, animals)["score_own"][:] == [3, 1]


def test_wrong_classes_are_named_even_if_no_row_fits(animals):
    words = Dataset.from_dict({"text": ["a", "b"], "label": ["cat", "dog"]})
    with pytest.raises(ValueError, match="'label' of row 0 is 'cat' here, but 'dog' where"):
        attach(words, animals)


def test_scores_attached_twice_keep_the_note_on_their_first_data(texts, table, tmp_path):
    part = attach(bare(texts).select([3, 1]), table)
    save_scores(part, tmp_path / "part")
    again = attach(bare(texts).select([3, 1]), load_scores(tmp_path / "part"))
    assert recorded(again)["scores"]["own"]["attached"]["num_rows"] == 20


def test_terms_of_the_data_come_back_with_their_scores(texts, tmp_path):
    """A copy through plain values lost the note; the hashes show that it is the same data."""
    save_scores(record(texts, "source", {"name": "x", "redistribution": False}), tmp_path)
    copy = Dataset.from_dict(bare(texts).to_dict())
    attached = attach(copy, load_scores(tmp_path))
    assert recorded(attached)["source"]["redistribution"] is False


def test_a_folder_has_no_revision(tmp_path, texts):
    save_scores(texts, tmp_path)
    with pytest.raises(ValueError, match="a folder, which has no revision"):
        load_scores(tmp_path, "main")
    with pytest.raises(ValueError, match="there is no folder '/no/where', and"):
        load_scores("/no/where")


def test_a_row_of_another_class_is_refused_with_both_classes(texts, table):
    moved = bare(texts).map(lambda row: {"label": 2 if row["text"] == "text 4" else row["label"]})
    with pytest.raises(ValueError, match="'label' of row 1 is '2' here, but '1' where"):
        attach(moved.select([3, 4]), table, missing="drop")


def test_the_same_text_in_two_classes_keeps_both_scores(tmp_path):
    twice = scored(["same", "same", "other"], [0, 1, 0], [0.1, 0.9, 0.5])
    save_scores(twice, tmp_path)
    attached = attach(bare(twice).select([1, 2, 0, 1]), load_scores(tmp_path))
    np.testing.assert_allclose(attached["score_own"], [0.9, 0.5, 0.1, 0.9])


def test_rows_that_are_the_same_with_one_score_are_no_problem(tmp_path):
    """What the order of arithmetic changes in a score is no difference."""
    save_scores(scored(["a", "a", "b"], [0, 0, 0], [0.5, 0.5 + 1e-6, 1.0]), tmp_path)
    rows = Dataset.from_dict({"text": ["b", "a", "a", "a"], "label": [0] * 4})
    assert attach(rows, load_scores(tmp_path))["score_own"][:] == [1, 0.5, 0.5, 0.5]


def test_rows_that_are_the_same_with_different_scores_are_refused_or_averaged(tmp_path):
    both = scored(["b", "a", "a"], [0, 0, 0], [0.0, 0.25, 0.75])
    save_scores(both, tmp_path)
    rows = bare(both).select([2, 0])
    with pytest.raises(ValueError, match="1 samples .* different 'score_own', .* its row 1"):
        attach(rows, load_scores(tmp_path))
    assert attach(rows, load_scores(tmp_path), repeated="mean")["score_own"][:] == [0.5, 0]
    assert attach(bare(both), load_scores(tmp_path))["score_own"][:] == [0, 0.25, 0.75]


def test_a_missing_column_is_named_with_what_to_do(texts, table):
    renamed = bare(texts).rename_column("text", "sentence").shuffle(seed=0)
    with pytest.raises(ValueError, match="no column 'text' .*rename_column"):
        attach(renamed, table)


def test_splits_and_streams_are_refused(texts, table):
    with pytest.raises(TypeError, match="choose one"):
        attach(DatasetDict(train=texts), table)
    with pytest.raises(TypeError, match="without streaming"):
        attach(texts.to_iterable_dataset(), table)


def test_the_notes_say_on_which_data_the_scores_were_computed(texts, table):
    part = bare(texts).select([3, 1])
    entry = recorded(attach(part, table))["scores"]["own"]
    assert (entry["num_rows"], entry["attached"]["num_rows"]) == (2, 20)
    assert entry["dataset_fingerprint"] == fingerprint(part)
    assert entry["attached"]["dataset_fingerprint"] == fingerprint(texts)


def test_codes_and_features_come_along_if_asked(texts, tmp_path):
    vectors = {"features": np.arange(60, dtype=np.float32).reshape(20, 3).tolist(),
               "sae_indices": [[i, i + 1] for i in range(20)],
               "sae_values": [[1.0, i / 2] for i in range(20)]}  # fmt: skip
    whole = texts
    for name, column in vectors.items():
        whole = whole.add_column(name, column)
    whole = record(record(whole, "sae", {"k": 2}), "features", {"backbone": "own"})
    save_scores(whole, tmp_path, also=("codes", "features"))
    part = bare(texts).shuffle(seed=3).select(range(7))
    attached = attach(part, load_scores(tmp_path, also=("codes", "features")))
    for row in attached:
        assert row["features"] == vectors["features"][number(row)]
        assert row["sae_indices"] == vectors["sae_indices"][number(row)]
        assert row["sae_values"] == vectors["sae_values"][number(row)]
    assert recorded(attached)["sae"] == {"k": 2}
    assert recorded(attached)["features"] == {"backbone": "own"}
    assert "features" not in attach(part, load_scores(tmp_path)).column_names
