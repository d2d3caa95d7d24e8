"""A kept stream holds the selected rows, each once, and notices another stream."""

import pickle

import numpy as np
import pytest
import torch
from datasets import IterableDataset
from datasets.distributed import split_dataset_by_node
from torch import nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments

from hf_dynsel.features import Pixels
from hf_dynsel.streaming import keep_stream, score_stream, threshold

KEEP, SCORE = 0.3, "diversity"


@pytest.fixture(scope="module")
def chosen(reference):
    """The rows of the highest scores, the lower ones of equal scores."""
    values = -np.asarray(reference[f"score_{SCORE}"], np.float64)
    return sorted(np.argsort(values, kind="stable")[: int(KEEP * len(values))].tolist())


@pytest.fixture(scope="module")
def numbered(images):
    """Streams whose rows carry their number."""
    rows = images.add_column("number", list(range(len(images))))

    def made(sources=1):
        return rows.to_iterable_dataset(num_shards=sources)

    return made


def numbers(rows):
    return [int(row["number"]) for row in rows]


@pytest.mark.parametrize("sources", [1, 3])
def test_the_rows_are_those_with_the_highest_scores_in_their_order(
    scored, numbered, chosen, sources
):
    kept = keep_stream(numbered(sources), scored(sources), KEEP, SCORE)
    assert numbers(kept) == chosen == numbers(kept)
    assert threshold(scored(sources), KEEP, SCORE).count == len(chosen)


def test_rows_are_as_they_were_stored(scored, images, chosen):
    """Images keep their files: nothing is decoded and encoded again."""
    stream = images.to_iterable_dataset()
    kept = keep_stream(stream, scored(1), KEEP, SCORE)
    assert kept.features == stream.features
    wanted = iter(images.select(chosen).to_iterable_dataset().decode(False))
    for row, expected in zip(kept.decode(False), wanted, strict=True):
        assert row["image"]["bytes"] == expected["image"]["bytes"]
        assert row["label"] == expected["label"]


def test_rows_are_read_when_they_are_asked_for(images, scored):
    read = []

    def rows():
        for number, row in enumerate(images):
            read.append(number)
            yield row

    stream = IterableDataset.from_generator(rows, features=images.features)
    kept = keep_stream(stream, scored(1), KEEP, SCORE)
    assert not read
    next(iter(kept))
    assert max(read) < 512


@pytest.mark.parametrize("sources", [1, 3])
def test_workers_share_the_parts_and_each_row_comes_once(scored, numbered, chosen, sources):
    """Two workers; of a stream in one part, one of them has nothing to read."""
    kept = keep_stream(numbered(sources), scored(sources), KEEP, SCORE).select_columns(["number"])
    loader = DataLoader(kept, batch_size=None, num_workers=2)
    assert sorted(numbers(loader)) == chosen


@pytest.mark.parametrize("sources", [1, 3, 4])
def test_processes_share_the_rows_and_each_comes_once(scored, numbered, chosen, sources):
    """Two processes: they share parts where these can be halved, else each takes every second."""
    kept = keep_stream(numbered(sources), scored(sources), KEEP, SCORE)
    shares = [numbers(split_dataset_by_node(kept, rank, 2)) for rank in range(2)]
    assert sorted(sum(shares, [])) == chosen
    assert all(shares)


def test_what_is_kept_is_shuffled_and_mapped_as_any_stream(scored, numbered, chosen):
    kept = keep_stream(numbered(3), scored(3), KEEP, SCORE)
    mixed = kept.map(lambda row: {"number": row["number"]}).shuffle(seed=1, buffer_size=64)
    mixed.set_epoch(1)
    assert numbers(mixed) != chosen
    assert sorted(numbers(mixed)) == chosen


def test_a_kept_stream_resumes_from_its_state(scored, numbered, chosen):
    kept = keep_stream(numbered(3), scored(3), KEEP, SCORE)
    rows = iter(kept)
    before = [next(rows)["number"] for _ in range(200)]
    state = kept.state_dict()
    again = keep_stream(numbered(3), scored(3), KEEP, SCORE)
    again.load_state_dict(state)
    assert before + numbers(again) == chosen


def test_a_kept_stream_can_be_sent_to_another_process(scored, numbered, chosen):
    kept = keep_stream(numbered(3), scored(3), KEEP, SCORE)
    assert numbers(pickle.loads(pickle.dumps(kept))) == chosen


def test_a_stream_of_mapped_rows_is_one_part(images, sae, tmp_path):
    """Rows that were left out before are left out of the positions, too."""
    stream = images.to_iterable_dataset(num_shards=3).filter(lambda row: row["label"] < 5).skip(7)
    kept = keep_stream(stream, score_stream(stream, tmp_path, Pixels(), sae), 1.0, SCORE)
    assert kept.num_shards == 1
    assert [row["label"] for row in kept] == [row["label"] for row in stream]


def test_another_stream_is_noticed(scored, images):
    """The rows 300 to 599 twice: the first mark after row 299 is that of row 512."""
    order = [*range(300), *range(300, 600), *range(300, 1137)]
    other = images.select([*order[:300], *order[:300], *order[600:]]).to_iterable_dataset()
    with pytest.raises(ValueError, match="row 512 of the stream is not the one that"):
        list(keep_stream(other, scored(1), KEEP, SCORE))


@pytest.mark.parametrize(
    ("rows", "said"),
    [(1400, "row 1,400 .*should at row 1,437"), (1280, "row 1,280 .*should at row 1,437")],
)
def test_a_stream_that_ends_early_is_noticed(scored, images, rows, said):
    with pytest.raises(ValueError, match=said):
        list(keep_stream(images.select(range(rows)).to_iterable_dataset(), scored(1), KEEP, SCORE))


def test_a_stream_with_more_rows_is_noticed(scored, images):
    longer = images.select([*range(1437), 0]).to_iterable_dataset()
    with pytest.raises(ValueError, match="row 1,437 of the stream is not the one that"):
        list(keep_stream(longer, scored(1), KEEP, SCORE))


def test_lacking_columns_and_other_parts_are_refused_at_once(scored, numbered):
    with pytest.raises(ValueError, match=r"has no column 'image' \(it has: label, number\)"):
        keep_stream(numbered().remove_columns("image"), scored(1), KEEP, SCORE)
    with pytest.raises(ValueError, match="the stream has 3 parts, and was scored in .* with 1"):
        keep_stream(numbered(3), scored(1), KEEP, SCORE)


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, pixels, labels):
        logits = self.layer(pixels)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def batch(rows):
    pixels = np.stack([np.asarray(row["image"], np.float32).ravel() / 255 for row in rows])
    return {
        "pixels": torch.from_numpy(pixels),
        "labels": torch.tensor([row["label"] for row in rows]),
    }


@pytest.mark.parametrize("workers", [0, 2])
def test_the_trainer_trains_on_a_kept_stream(scored, images, tmp_path, workers):
    kept = keep_stream(images.to_iterable_dataset(num_shards=3), scored(3), KEEP, SCORE)
    args = TrainingArguments(
        str(tmp_path),
        max_steps=60,
        per_device_train_batch_size=32,
        learning_rate=0.05,
        dataloader_num_workers=workers,
        remove_unused_columns=False,
        report_to="none",
        logging_steps=10,
        disable_tqdm=True,
        use_cpu=True,
    )
    shuffled = kept.shuffle(seed=0, buffer_size=128)
    trainer = Trainer(Linear(), args, data_collator=batch, train_dataset=shuffled)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert trainer.state.global_step == 60
    assert losses[-1] < losses[0] / 2
