"""A run that is interrupted anywhere and resumed equals the run that was not."""

import json
import shutil

import numpy as np
import pytest
import torch

from conftest import LossDriven, Net, Sized, table
from hf_dynsel import Pool
from hf_dynsel.selectors import RandomWithoutReplacement, RepDiv, StaticRandom
from trainer_kit import RecordingTrainer, build


class Stop(Exception):
    pass


class StoppingTrainer(RecordingTrainer):
    """Is interrupted before the micro-batch `stop`."""

    stop = -1

    def training_step(self, *args, **kwargs):
        if len(self.trained) == self.stop:
            raise Stop
        return super().training_step(*args, **kwargs)


def scored(rows=24):
    dataset = table(rows)
    for name, values in (("representativeness", np.sin), ("diversity", np.cos)):
        column = values(np.arange(rows) * 1.7).astype(np.float32)
        dataset = dataset.add_column(f"score_{name}", column)
    return dataset


SELECTORS = {
    "repdiv": lambda: RepDiv(keep=0.5, refine=0.2),
    "loss_driven": LossDriven,
    "rs2": lambda: RandomWithoutReplacement(keep=0.4),
    "zigzag": lambda: Sized(sizes=(20, 6, 23, 8), planned=False),
}


def run(folder, name, **changes):
    settings = {"save_strategy": "steps", "save_steps": 1, "lr_scheduler_type": "cosine"}
    return build(
        folder,
        SELECTORS[name](),
        cls=StoppingTrainer,
        train_dataset=scored(),
        gradient_accumulation_steps=2,
        **(settings | changes),
    )


@pytest.fixture(scope="module", params=SELECTORS)
def whole(request, tmp_path_factory):
    trainer = run(tmp_path_factory.mktemp("whole"), request.param)
    trainer.train()
    return request.param, trainer


def selections(trainer):
    import pyarrow.parquet as pq

    return pq.read_table(f"{trainer.args.output_dir}/selections.parquet")


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_interrupting_before_any_batch_changes_nothing(whole, every, tmp_path):
    """Stops before every micro-batch: between steps, inside an accumulation, between epochs."""
    name, reference = whole
    for stop in range(1, len(reference.trained), every):
        folder = tmp_path / str(stop)
        interrupted = run(folder, name)
        interrupted.stop = stop
        with pytest.raises(Stop):
            interrupted.train()
        resumed = run(folder, name)
        started = resumed.train(
            resume_from_checkpoint=True if interrupted.state.global_step else None
        )
        assert started.global_step == reference.state.global_step
        rest = len(resumed.trained)
        assert resumed.trained == reference.trained[-rest:]
        assert resumed.rates == reference.rates[-rest:]
        assert torch.equal(resumed.model.linear.weight, reference.model.linear.weight)
        assert np.array_equal(resumed.sampler.usage, reference.sampler.usage)
        assert resumed.ledger.samples_per_epoch == reference.ledger.samples_per_epoch
        assert selections(resumed).equals(selections(reference))
        for key, value in reference.selector.state_dict().items():
            assert np.array_equal(resumed.selector.state_dict()[key], value)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "schedule",
    [
        {"lr_schedule": "one_cycle"},
        {"lr_schedule": "multi_step", "lr_scheduler_kwargs": {"milestones": [1, 3]}},
        {"lr_scheduler_type": "linear", "lr_follows": "step"},
    ],
    ids=["one_cycle", "multi_step", "by_step"],
)
def test_every_schedule_resumes_where_it_was(schedule, tmp_path):
    whole = run(tmp_path / "whole", "zigzag", **schedule)
    whole.train()
    interrupted = run(tmp_path / "cut", "zigzag", **schedule)
    interrupted.stop = 7
    with pytest.raises(Stop):
        interrupted.train()
    resumed = run(tmp_path / "cut", "zigzag", **schedule)
    resumed.train(resume_from_checkpoint=True)
    assert resumed.rates == whole.rates[-len(resumed.rates) :]
    assert torch.equal(resumed.model.linear.weight, whole.model.linear.weight)


def test_logs_of_a_resumed_run_equal_the_uninterrupted_ones(whole, tmp_path):
    name, reference = whole
    interrupted = run(tmp_path, name)
    interrupted.stop = 5
    with pytest.raises(Stop):
        interrupted.train()
    resumed = run(tmp_path, name)
    resumed.train(resume_from_checkpoint=True)
    assert resumed.state.log_history[:-1] == reference.state.log_history[:-1]


def test_resuming_a_finished_run_trains_nothing_more(whole, tmp_path):
    name, reference = whole
    shutil.copytree(reference.args.output_dir, tmp_path / "copy")
    again = run(tmp_path / "copy", name)
    again.train(resume_from_checkpoint=True)
    assert again.trained == []
    assert again.ledger.samples_per_epoch == reference.ledger.samples_per_epoch
    assert selections(again).equals(selections(reference))


@pytest.fixture
def checkpoint(tmp_path):
    trainer = run(tmp_path, "repdiv", save_steps=2, max_steps=2)
    trainer.train()
    return tmp_path / "checkpoint-2"


def resume(checkpoint, selector=None, dataset=None, **changes):
    trainer = build(
        checkpoint.parent,
        selector or SELECTORS["repdiv"](),
        cls=StoppingTrainer,
        train_dataset=dataset or scored(),
        gradient_accumulation_steps=2,
        max_steps=2,
        **changes,
    )
    trainer.train(resume_from_checkpoint=str(checkpoint))


def test_resuming_with_another_keep_names_both(checkpoint):
    with pytest.raises(ValueError, match=r"selector.keep = 0.5, but this run has 0.6"):
        resume(checkpoint, RepDiv(keep=0.6, refine=0.2))


def test_resuming_with_another_selector_names_both(checkpoint):
    with pytest.raises(ValueError, match="selector = 'RepDiv', but this run has 'StaticRandom'"):
        resume(checkpoint, StaticRandom(keep=0.5))


def test_resuming_with_other_data_is_refused(checkpoint):
    with pytest.raises(ValueError, match="written with data = "):
        resume(checkpoint, dataset=scored().select(range(23, -1, -1)))


def test_resuming_without_a_selection_says_so(checkpoint):
    (checkpoint / "selection.json").unlink()
    with pytest.raises(ValueError, match=r"holds no selection.json"):
        resume(checkpoint)


def test_a_truncated_selection_is_recognised(checkpoint):
    path = checkpoint / "selection.safetensors"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="is damaged"):
        resume(checkpoint)


def test_checkpoints_hold_plain_json_and_tensors(checkpoint):
    meta = json.loads((checkpoint / "selection.json").read_text())
    assert meta["run"]["selector"] == "RepDiv"
    assert meta["epoch"] == 0


def test_a_pool_given_by_hand_is_part_of_the_data(tmp_path):
    labels = np.arange(24) % 3
    first = Pool(24, {}, labels)
    trainer = RecordingTrainer(
        model=Net(),
        args=build(tmp_path, Sized(), save_strategy="steps", save_steps=2, max_steps=2).args,
        train_dataset=table(24),
        selector=Sized(),
        pool=first,
    )
    trainer.train()
    other = build(tmp_path, Sized(), max_steps=2)
    other.pool = Pool(24, {}, (labels + 1) % 3)
    with pytest.raises(ValueError, match="written with data = "):
        other.train(resume_from_checkpoint=True)


@pytest.mark.parametrize("workers", [{}, {"dataloader_num_workers": 2}], ids=["main", "workers"])
def test_random_transforms_of_a_resumed_run_are_those_of_the_uninterrupted_one(tmp_path, workers):
    """Loaders read ahead, so that numbers drawn in turn would fall to other samples."""

    def noisy(rows):
        x = torch.tensor(rows["x"])
        return {"x": x + torch.randn(x.shape), "labels": torch.tensor(rows["labels"])}

    def make(folder):
        return build(
            folder,
            LossDriven(),
            cls=StoppingTrainer,
            train_dataset=table(24).with_transform(noisy),
            gradient_accumulation_steps=2,
            save_strategy="steps",
            save_steps=1,
            remove_unused_columns=False,
            num_train_epochs=2,
            **workers,
        )

    whole, interrupted = make(tmp_path / "whole"), make(tmp_path / "cut")
    whole.train()
    interrupted.stop = 2
    with pytest.raises(Stop):
        interrupted.train()
    resumed = make(tmp_path / "cut")
    resumed.train(resume_from_checkpoint=True)
    assert torch.equal(resumed.model.linear.weight, whole.model.linear.weight)
    assert resumed.trained == whole.trained[-len(resumed.trained) :]


def test_a_checkpoint_written_anew_holds_nothing_of_the_old_one(checkpoint):
    (checkpoint / "model.safetensors.index.json").write_text("{}")
    run(checkpoint.parent, "repdiv", save_steps=2, max_steps=2).train()
    assert not (checkpoint / "model.safetensors.index.json").exists()
    assert (checkpoint / "trainer_state.json").exists()
