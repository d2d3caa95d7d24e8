"""Ways to say what to train on, and what is refused with a reason."""

import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from transformers import (
    BertConfig,
)

from behaviour_kit import moving, own_loss
from conftest import LossDriven, Net, rows, table
from hf_dynsel import Pool
from hf_dynsel.selectors import DynamicRandom, FullData
from trainer_kit import RecordingTrainer, arguments


def test_the_training_set_may_be_given_by_position(tmp_path):
    args = arguments(tmp_path, num_train_epochs=1)
    trainer = RecordingTrainer(Net(), args, None, table(24), selector=DynamicRandom(keep=0.5))
    trainer.train()
    assert trainer.ledger.samples_per_epoch == [12]


def test_an_iterable_training_set_given_by_position_is_refused(tmp_path):
    stream = table(24).to_iterable_dataset()
    with pytest.raises(TypeError, match="needs a map-style dataset, got IterableDataset"):
        RecordingTrainer(Net(), arguments(tmp_path), None, stream, selector=FullData())


class Targets(Net):
    """Calls its labels `target`."""

    def forward(self, x, target=None):
        return super().forward(x, target)


def trained_on_targets(folder, **given):
    dataset = Dataset.from_dict(rows(24)).rename_column("labels", "target").with_format("torch")
    trainer = RecordingTrainer(
        model=Targets(),
        args=arguments(folder, label_names=["target"]),
        train_dataset=dataset,
        selector=LossDriven(),
        pool=Pool(24),
        **given,
    )
    trainer.train()
    return trainer


def test_labels_of_another_name_need_a_loss_of_their_own(tmp_path):
    def own(outputs, labels):
        return F.cross_entropy(outputs["logits"], labels["target"], reduction="none")

    with pytest.raises(TypeError, match=r"columns \['target'\]. Pass per_sample_loss="):
        trained_on_targets(tmp_path)
    ours = trained_on_targets(tmp_path, per_sample_loss=own)
    usual = moving(tmp_path, LossDriven())
    usual.train()
    assert ours.trained == usual.trained
    assert torch.equal(ours.model.linear.weight, usual.model.linear.weight)


# ---- Refused, with a reason


def test_a_loss_function_other_than_the_samples_mean_cannot_be_weighted(tmp_path):
    def focal(outputs, labels, num_items_in_batch=None):
        losses = F.cross_entropy(outputs["logits"], labels, reduction="none")
        return ((1 - losses.neg().exp()) ** 2 * losses).sum() / num_items_in_batch

    trainer = moving(tmp_path, LossDriven(), given=lambda: {"compute_loss_func": focal})
    with pytest.raises(ValueError, match="own loss of the first batch is .*per_sample_loss="):
        trainer.train()
    same = moving(tmp_path, LossDriven(), given=lambda: {"compute_loss_func": own_loss})
    same.train()
    usual = moving(tmp_path, LossDriven())
    usual.train()
    assert torch.equal(same.model.linear.weight, usual.model.linear.weight)


class Configured(Net):
    """Has the configuration that the Trainer's label smoothing asks for."""

    config = BertConfig()


def test_smoothing_is_not_left_out_of_a_loss_of_the_users_own(tmp_path):
    def own(outputs, labels):
        return F.cross_entropy(outputs["logits"], labels, reduction="none")

    with pytest.raises(ValueError, match="label_smoothing_factor.*per_sample_loss"):
        RecordingTrainer(
            model=Configured(),
            args=arguments(tmp_path, label_smoothing_factor=0.1),
            train_dataset=table(24),
            selector=LossDriven(),
            per_sample_loss=own,
        )


def test_training_samples_again_after_a_resume_is_refused(tmp_path):
    with pytest.raises(ValueError, match="ignore_data_skip"):
        moving(tmp_path, ignore_data_skip=True)
