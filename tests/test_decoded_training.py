"""Training on decoded images: the trainer, the plain loop, sweeps, evaluation and resuming."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from augment_kit import Pictures
from decoded_kit import CLEAN, decoded, normalised, stored, views
from hf_dynsel import loop
from hf_dynsel.core import Selection, Sweep
from hf_dynsel.data import decode_images
from hf_dynsel.pool import identity, pool_of
from hf_dynsel.selectors import FullData, InfoBatch, TopScore
from image_kit import Seeing
from trainer_kit import RecordingTrainer, arguments

SIZE, EPOCHS, SEED = 18, 3, 42
SETTINGS = {
    "num_train_epochs": EPOCHS,
    "per_device_train_batch_size": 4,
    "max_grad_norm": 0.0,
    "learning_rate": 0.01,
}


def trainer(folder, selector=None, train=None, **changes):
    return RecordingTrainer(
        model=Seeing(),
        args=arguments(folder, **(SETTINGS | changes)),
        train_dataset=train or decoded(folder / "images", SIZE),
        eval_dataset=decoded(folder / "images", SIZE, CLEAN),
        selector=selector or FullData(SEED),
    )


def seen_in(trained, training):
    return [images for mode, images, _ in trained.model.seen if mode == training]


def clean():
    return normalised(Pictures(SIZE).levels)


@pytest.mark.parametrize(
    "changes",
    [{}, {"remove_unused_columns": False, "gradient_accumulation_steps": 2}],
    ids=["plain", "accumulated"],
)
def test_training_sees_views_and_evaluation_sees_stored_images(changes, tmp_path):
    trained = trainer(tmp_path, eval_strategy="epoch", **changes)
    trained.train()
    assert len(trained.trained) == EPOCHS * 5
    for (epoch, ids), batch in zip(trained.trained, seen_in(trained, True), strict=True):
        assert torch.equal(batch, normalised(views(SIZE, epoch, SEED)[ids]))
    assert torch.equal(torch.cat(seen_in(trained, False)), clean().repeat(EPOCHS, 1, 1, 1))


@dataclass
class Looking(FullData):
    """Looks at every sample before each epoch."""

    signals = frozenset({"loss"})

    def sweep(self, epoch):
        if epoch == self.num_epochs:
            return None
        return Sweep(np.arange(self.pool.size), frozenset({"loss"}))


def test_sweeps_see_stored_images_without_being_told(tmp_path):
    trained = trainer(tmp_path, Looking(SEED))
    trained.train()
    swept = torch.cat(seen_in(trained, False))[1:]  # one is tried before any training
    assert torch.equal(swept, clean().repeat(EPOCHS, 1, 1, 1))


def test_scores_and_labels_are_those_of_the_rows(tmp_path):
    scores = np.linspace(0, 1, SIZE, dtype=np.float32)
    rows = stored(SIZE).add_column("score_diversity", scores)
    train = decode_images(rows, CLEAN, cache_dir=tmp_path, progress=False)
    assert pool_of(train).labels.tolist() == rows["label"]
    assert identity(train, pool_of(train)) == identity(rows, pool_of(rows))
    selector = TopScore(SEED, keep=0.5, score="diversity")
    trained = trainer(tmp_path, selector, train=train, num_train_epochs=1)
    trained.train()
    assert {row for _, ids in trained.trained for row in ids} == set(range(SIZE // 2, SIZE))


@pytest.mark.parametrize("selector", [FullData, InfoBatch])
def test_trainer_and_loop_end_with_the_same_weights(selector, tmp_path):
    trained = trainer(tmp_path, selector(SEED))
    trained.train()
    model = Seeing()
    loop.train(
        model,
        decoded(tmp_path / "images", SIZE),
        selector(SEED),
        torch.optim.SGD(model.parameters(), 0.01),
        epochs=EPOCHS,
        batch_size=4,
        output_dir=tmp_path / "loop",
        max_grad_norm=0.0,
    )
    assert torch.equal(model.linear.weight, trained.model.linear.weight)
    assert not torch.equal(model.linear.weight, Seeing().linear.weight)


def test_a_resumed_run_sees_the_rest_alike(tmp_path):
    """Seven of fifteen steps in: two of the second epoch's five batches are done."""
    whole = trainer(tmp_path, InfoBatch(SEED), save_strategy="steps", save_steps=7)
    whole.train()
    resumed = trainer(tmp_path, InfoBatch(SEED))
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-7"))
    assert torch.equal(resumed.model.linear.weight, whole.model.linear.weight)
    rest = seen_in(resumed, True)
    assert all(torch.equal(*pair) for pair in zip(rest, seen_in(whole, True)[7:], strict=True))


def test_labels_reach_the_loss_and_signals_are_of_the_samples(tmp_path):
    """Seen losses are those of the views, by a model that does not learn."""

    @dataclass
    class Watching(FullData):
        signals = frozenset({"loss"})

        def observe(self, feedback):
            self.seen = {**getattr(self, "seen", {}), feedback.epoch: feedback.signals["loss"]}

        def select(self, epoch):
            return Selection(np.arange(self.pool.size))

    trained = trainer(tmp_path, Watching(SEED), learning_rate=0.0)
    trained.train()
    labels = torch.arange(SIZE) % 3
    for epoch in range(EPOCHS):
        logits = Seeing()(normalised(views(SIZE, epoch, SEED)))["logits"]
        losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        seen = torch.from_numpy(trained.progress.selector.seen[epoch])
        torch.testing.assert_close(seen, losses.detach())
