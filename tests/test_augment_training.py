"""Training sees marked samples augmented; evaluation and sweeps see clean ones."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from augment_kit import MEAN, STD, Marking, Pictures, marks
from hf_dynsel import TrivialAugmentWide, loop
from hf_dynsel.augment import Augmentation
from hf_dynsel.core import Pool, Sweep
from hf_dynsel.selectors import FullData
from image_kit import Seeing
from trainer_kit import RecordingTrainer, arguments

SIZE, EPOCHS, SEED = 18, 3, 42
SETTINGS = {"num_train_epochs": EPOCHS, "per_device_train_batch_size": 4, "max_grad_norm": 0.0}


def trainer(folder, selector=None, augment="worker", dataset=None, **changes):
    augment = {
        "worker": TrivialAugmentWide(MEAN, STD),
        "device": TrivialAugmentWide(MEAN, STD, on_device=True),
        None: None,
    }[augment]
    return RecordingTrainer(
        model=Seeing(),
        args=arguments(folder, learning_rate=0.01, **(SETTINGS | changes)),
        train_dataset=dataset or Pictures(SIZE),
        eval_dataset=Pictures(SIZE),
        selector=selector or Marking(SEED),
        pool=Pool(SIZE),
        clean_dataset=Pictures(SIZE),
        augment=augment,
    )


def images(dataset):
    return torch.stack([dataset[row]["pixel_values"] for row in range(SIZE)])


def expected(epoch):
    made = Augmentation(TrivialAugmentWide(MEAN, STD), Marking(), SIZE, SEED)
    made.start(epoch, marks(epoch, SIZE))
    samples = [Pictures(SIZE)[row] for row in range(SIZE)]
    return torch.stack([s["pixel_values"] for s in made.of_samples(range(SIZE), samples)])


def seen_in(trained, training):
    return [images for mode, images, _ in trained.model.seen if mode == training]


@pytest.mark.parametrize("augment", ["worker", "device"])
def test_exactly_what_the_selector_marks_is_augmented(augment, tmp_path):
    trained = trainer(tmp_path, augment=augment, eval_strategy="epoch")
    trained.train()
    clean = images(Pictures(SIZE))
    for (epoch, ids), batch in zip(trained.trained, seen_in(trained, True), strict=True):
        assert torch.equal(batch, expected(epoch)[ids])
        unmarked = torch.tensor([(row + epoch) % 3 != 0 for row in ids])
        assert torch.equal(batch[unmarked], clean[ids][unmarked])
    evaluated = torch.cat(seen_in(trained, False))
    assert torch.equal(evaluated, clean.repeat(EPOCHS, 1, 1, 1))


@dataclass
class Looking(Marking):
    """Looks at every sample before each epoch."""

    signals = frozenset({"loss"})

    def sweep(self, epoch):
        if epoch == self.num_epochs:
            return None
        return Sweep(np.arange(self.pool.size), frozenset({"loss"}))


def test_sweeps_see_clean_samples_though_they_were_marked(tmp_path):
    trained = trainer(tmp_path, Looking(SEED))
    trained.train()
    swept, clean = torch.cat(seen_in(trained, False)), images(Pictures(SIZE))
    assert torch.equal(swept[0], clean[0])  # tried before any training
    assert torch.equal(swept[1:], clean.repeat(EPOCHS, 1, 1, 1))


def by_loop(folder, **settings):
    model = Seeing()
    loop.train(
        model,
        Pictures(SIZE),
        Marking(SEED),
        torch.optim.SGD(model.parameters(), 0.01),
        epochs=EPOCHS,
        batch_size=4,
        output_dir=folder,
        max_grad_norm=0.0,
        pool=Pool(SIZE),
        **settings,
    )
    return model


def test_worker_and_device_trainer_and_loop_end_with_the_same_weights(tmp_path):
    ends = []
    for augment in ("worker", "device"):
        trained = trainer(tmp_path / augment, augment=augment)
        trained.train()
        ends.append(trained.model)
        augmenter = TrivialAugmentWide(MEAN, STD, on_device=augment == "device")
        ends.append(by_loop(tmp_path / f"loop {augment}", augment=augmenter))
    for model in ends[1:]:
        assert torch.equal(model.linear.weight, ends[0].linear.weight)
    assert not torch.equal(ends[0].linear.weight, Seeing().linear.weight)


def test_a_resumed_run_augments_the_rest_alike(tmp_path):
    """Seven of fifteen steps in: two of the second epoch's five batches are done."""
    whole = trainer(tmp_path, save_strategy="steps", save_steps=7)
    whole.train()
    resumed = trainer(tmp_path)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-7"))
    assert torch.equal(resumed.model.linear.weight, whole.model.linear.weight)
    rest = [images for mode, images, _ in resumed.model.seen if mode]
    assert len(rest) == 8
    assert all(torch.equal(*pair) for pair in zip(rest, seen_in(whole, True)[7:], strict=True))


def test_marks_without_an_augmenter_are_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match="Marking marks samples.*pass augment="):
        trainer(tmp_path, augment=None)
    with pytest.raises(ValueError, match="Marking marks samples.*pass augment="):
        by_loop(tmp_path)


def test_an_augmenter_without_marks_is_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match="FullData marks no samples"):
        trainer(tmp_path, FullData())


def test_augmenting_batches_that_one_process_deals_out_is_refused(tmp_path):
    config = {"accelerator_config": {"dispatch_batches": True}}
    with pytest.raises(ValueError, match=r"\['dispatch_batches'\] = True cuts batches.*on_device"):
        trainer(tmp_path, augment="device", **config)
