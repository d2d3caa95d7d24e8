"""Every selected sample is trained on, once an epoch, whatever the epochs' lengths."""

import numpy as np
import pytest
from torch.optim import SGD
from torch.optim.lr_scheduler import ExponentialLR

from conftest import Net, Sized, table
from hf_dynsel.steps import StepCounter
from trainer_kit import RecordingTrainer, arguments, build

SIZES = {
    "constant": (16, 16, 16, 16),
    "shrink": (24, 17, 9, 4),
    "grow": (5, 10, 18, 24),
    "zigzag": (20, 6, 23, 8),
}
WORKERS = {"none": (0, False), "two": (2, False), "persistent": (2, True)}


@pytest.fixture(params=WORKERS, ids=str)
def loader(request):
    workers, persistent = WORKERS[request.param]
    return {"dataloader_num_workers": workers, "dataloader_persistent_workers": persistent}


@pytest.mark.parametrize("drop_last", [False, True], ids=["keep_last", "drop_last"])
@pytest.mark.parametrize("accumulation", [1, 2, 3])
@pytest.mark.parametrize("name", SIZES)
def test_ids_trained_equal_ids_selected(name, accumulation, drop_last, loader, tmp_path):
    sizes = SIZES[name]
    trainer = build(
        tmp_path,
        Sized(sizes=sizes),
        gradient_accumulation_steps=accumulation,
        dataloader_drop_last=drop_last,
        logging_strategy="epoch",
        eval_strategy="epoch",
        eval_dataset=table(4),
        **loader,
    )
    trainer.train()
    for epoch, (trained, size) in enumerate(zip(trainer.epochs(), sizes, strict=True)):
        order = trainer.selector.rng(epoch, 1).permutation(trainer.selector.select(epoch).indices)
        assert trained == order[: size - size % 4 if drop_last else size].tolist()
    logged = [e["epoch"] for e in trainer.state.log_history if "eval_runtime" in e]
    assert logged == [1, 2, 3, 4]
    assert [e["epoch"] for e in trainer.state.log_history if "loss" in e] == [1, 2, 3, 4]
    assert trainer.state.global_step == trainer.state.max_steps
    assert trainer.ledger.samples_per_epoch == [len(ids) for ids in trainer.epochs()]


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "unplanned"])
@pytest.mark.parametrize("lr_follows", ["epoch", "step"])
@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"lr_scheduler_type": "linear"}, 0.0),
        ({"lr_scheduler_type": "cosine"}, 0.0),
        ({"lr_schedule": "one_cycle"}, 0.1 / 25 / 1e4),
        (
            {
                "lr_schedule": "multi_step",
                "lr_scheduler_kwargs": {"milestones": [1, 3], "gamma": 0.5},
            },
            0.025,
        ),
    ],
    ids=["linear", "cosine", "one_cycle", "multi_step"],
)
def test_learning_rate_ends_at_its_end(changes, end, name, lr_follows, planned, tmp_path):
    """The defaults of torch's one-cycle end at max_lr / div_factor / final_div_factor."""
    selector = Sized(sizes=SIZES[name], planned=planned)
    trainer = build(tmp_path, selector, lr_follows=lr_follows, **changes)
    trainer.train()
    assert trainer.lr_scheduler.get_last_lr()[0] == pytest.approx(end, abs=1e-9)


def test_multi_step_changes_at_epochs_whatever_their_lengths(tmp_path):
    changes = {"milestones": [1, 3], "gamma": 0.5}
    trainer = build(
        tmp_path,
        Sized(sizes=(4, 20, 8, 4)),
        lr_follows="epoch",
        lr_schedule="multi_step",
        lr_scheduler_kwargs=changes,
    )
    trainer.train()
    assert np.allclose(trainer.rates, [0.1] + [0.05] * 7 + [0.025])


def test_following_epochs_gives_each_epoch_the_same_share(tmp_path):
    """Linear from 0.1 over four epochs: each epoch starts at 0.1, 0.075, 0.05, 0.025."""
    trainer = build(
        tmp_path, Sized(sizes=(4, 24, 8, 4)), lr_scheduler_type="linear", lr_follows="epoch"
    )
    trainer.train()
    starts = np.cumsum([0, 1, 6, 2])
    assert np.allclose(np.array(trainer.rates)[starts], [0.1, 0.075, 0.05, 0.025])


def test_by_default_each_step_has_the_same_share(tmp_path):
    trainer = build(tmp_path, Sized(sizes=(4, 24, 8, 4)), lr_scheduler_type="linear")
    trainer.train()
    assert np.allclose(trainer.rates, 0.1 * (1 - np.arange(10) / 10))


def test_a_schedule_of_the_users_own_is_paced_too(tmp_path):
    """Eight full-data steps at 0.5 each would end at 0.5 ** 8, and so do four shorter epochs."""
    model = Net()
    optimizer = SGD(model.parameters(), lr=1.0)
    trainer = RecordingTrainer(
        model=model,
        args=arguments(tmp_path, per_device_train_batch_size=12, lr_follows="epoch"),
        train_dataset=table(24),
        selector=Sized(sizes=(12, 12, 12, 24)),
        optimizers=(optimizer, ExponentialLR(optimizer, 0.5)),
    )
    trainer.train()
    assert trainer.state.global_step == 5
    assert optimizer.param_groups[0]["lr"] == 0.5**8


def test_max_steps_is_exact_and_ends_the_schedule(tmp_path):
    trainer = build(tmp_path, Sized(sizes=(8, 8, 8, 8, 8)), max_steps=7, lr_scheduler_type="linear")
    assert trainer.run_length.num_epochs == 4
    trainer.train()
    assert trainer.state.global_step == trainer.state.max_steps == 7
    assert trainer.lr_scheduler.get_last_lr()[0] == 0.0


def test_a_fractional_last_epoch_is_cut(tmp_path):
    """1.5 epochs of 16 samples in batches of 4: 4 + 2 steps."""
    trainer = build(
        tmp_path, Sized(sizes=(16, 16)), num_train_epochs=1.5, lr_scheduler_type="linear"
    )
    trainer.train()
    assert trainer.state.global_step == trainer.state.max_steps == 6
    assert trainer.lr_scheduler.get_last_lr()[0] == 0.0


def test_match_compute_trains_as_many_samples_as_full_data(tmp_path):
    """Half the data for twice the epochs."""
    trainer = build(tmp_path, Sized(sizes=(12,) * 20), match_compute=True)
    trainer.train()
    assert trainer.run_length.num_epochs == 8
    assert trainer.ledger.samples_trained == 4 * 24


@pytest.mark.parametrize(
    "changes", [{"match_compute": True}, {"max_steps": 5}], ids=["match_compute", "max_steps"]
)
def test_lengths_that_need_a_plan_are_refused_without_one(changes, tmp_path):
    with pytest.raises(ValueError, match="Sized decides them while training; set num_train_epochs"):
        build(tmp_path, Sized(sizes=(12,) * 20, planned=False), **changes)


def test_an_epoch_without_a_whole_batch_is_refused(tmp_path):
    trainer = build(tmp_path, Sized(sizes=(8, 3, 8, 8)), dataloader_drop_last=True)
    with pytest.raises(ValueError, match="epoch 1 selects 3 samples, less than one batch of 4"):
        trainer.train()


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_step_counter_agrees_with_accelerate(processes, drop_last):
    from accelerate.data_loader import BatchSamplerShard
    from torch.utils.data import BatchSampler

    for samples in range(1, 40):
        batches = BatchSampler(range(samples), 4, drop_last)
        shard = BatchSamplerShard(batches, num_processes=processes, process_index=0)
        counter = StepCounter(4, processes, accumulation=3, drop_last=drop_last)
        assert counter.batches(samples) == len(shard)
        assert counter.updates(samples) == -(-len(shard) // 3)
