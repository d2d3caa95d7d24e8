"""Evaluation, stops and resumes where epochs differ in length."""

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    EarlyStoppingCallback,
)

from behaviour_kit import (
    BEST,
    ENDS,
    SIZES,
    EachEpoch,
    ShortOfMemory,
    StopAt,
    assert_accounts_match,
    history,
    moving,
    samples_timed,
    scripted,
)
from conftest import LossDriven, Sized


def test_evaluation_saving_and_logging_come_at_the_real_ends_of_epochs(tmp_path):
    watch = EachEpoch()
    trainer = moving(
        tmp_path,
        given=lambda: {"callbacks": [watch]},
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
    )
    trainer.train()
    log = trainer.state.log_history
    for mark in ("loss", "eval_loss"):
        assert [(e["epoch"], e["step"]) for e in log if mark in e] == watch.ended
    assert watch.begun == list(zip([0, 1, 2, 3], [0, *ENDS], strict=False))
    assert watch.ended == list(zip([1, 2, 3, 4], ENDS, strict=True))
    saved = {int(path.name.split("-")[1]) for path in tmp_path.glob("checkpoint-*")}
    assert saved == set(ENDS)


def test_early_stopping_loads_the_best_model_and_keeps_the_accounts(tmp_path):
    """The score falls in the third epoch, so the fourth is not trained."""
    trainer = moving(
        tmp_path,
        given=lambda: {
            "compute_metrics": scripted(0.5, 0.6, 0.4),
            "callbacks": [EarlyStoppingCallback(early_stopping_patience=1)],
        },
        **BEST | {"metric_for_best_model": "score"},
    )
    trainer.train()
    assert (trainer.state.epoch, trainer.state.global_step) == (3, 10)
    assert trainer.state.best_global_step == 7
    best = load_file(tmp_path / "checkpoint-7" / "model.safetensors")
    assert torch.equal(trainer.model.linear.weight, best["linear.weight"])
    assert_accounts_match(trainer)
    assert trainer.ledger.samples_per_epoch == [8, 20, 12]
    assert samples_timed(trainer) == pytest.approx(40, rel=0.02)


def test_early_stopping_counts_on_after_a_resume(tmp_path):
    """One bad score before the interruption and one after make the two that stop the run."""
    settings = BEST | {"metric_for_best_model": "score"}

    def given(*scores):
        stopping = EarlyStoppingCallback(early_stopping_patience=2)
        return lambda: {"compute_metrics": scripted(*scores), "callbacks": [stopping]}

    whole = moving(tmp_path / "whole", given=given(0.6, 0.5, 0.4), **settings)
    whole.train()
    assert whole.state.global_step == 10
    settings["restore_callback_states_from_checkpoint"] = True
    resumed = moving(tmp_path / "whole", given=given(0.4), **settings)
    resumed.train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-7"))
    assert resumed.state.global_step == 10
    assert resumed.trained == whole.trained[-3:]
    assert resumed.ledger.samples_per_epoch == [8, 20, 12]


def test_only_better_models_are_saved(tmp_path):
    trainer = moving(
        tmp_path,
        given=lambda: {"compute_metrics": scripted(0.5, 0.4, 0.6, 0.3)},
        **BEST | {"metric_for_best_model": "score", "save_strategy": "best"},
    )
    trainer.train()
    assert {path.name for path in tmp_path.glob("checkpoint-*")} == {
        "checkpoint-2",
        "checkpoint-10",
    }
    assert trainer.state.best_global_step == 10


def test_evaluation_on_start_comes_before_the_first_selection(tmp_path):
    trainer = moving(tmp_path, LossDriven(), eval_strategy="epoch", eval_on_start=True)
    trainer.train()
    first, second = trainer.state.log_history[:2]
    assert (first["epoch"], first["step"]) == (0, 0)
    assert "eval_loss" in first
    assert "selection/size" in second
    assert_accounts_match(trainer)
    assert trainer.ledger.samples_forwarded == trainer.ledger.samples_trained == 64


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "unplanned"])
def test_a_run_stopped_inside_an_epoch_accounts_for_what_it_trained(planned, tmp_path):
    """Step 5 is the third of five in the second epoch: 12 of its 20 samples."""
    trainer = moving(
        tmp_path,
        Sized(sizes=SIZES, planned=planned),
        given=lambda: {"callbacks": [StopAt(5, "should_training_stop")]},
    )
    trainer.train()
    assert trainer.state.global_step == 5
    assert trainer.state.epoch == 1.6
    assert trainer.ledger.samples_per_epoch == [8, 12]
    assert_accounts_match(trainer)


def test_max_steps_inside_an_epoch_accounts_for_what_it_trained(tmp_path):
    trainer = moving(tmp_path, max_steps=5, save_strategy="steps", save_steps=50)
    trainer.train()
    assert trainer.ledger.samples_per_epoch == [8, 12]
    assert_accounts_match(trainer)
    assert (tmp_path / "checkpoint-5").is_dir()


def test_an_epoch_that_a_callback_ends_is_followed_by_the_next(tmp_path):
    """Of the second epoch, which has five steps, three are taken."""
    watch = EachEpoch()
    trainer = moving(
        tmp_path,
        given=lambda: {"callbacks": [StopAt(5, "should_epoch_stop"), watch]},
        lr_scheduler_type="linear",
    )
    trainer.train()
    assert trainer.ledger.samples_per_epoch == [8, 12, 12, 24]
    assert watch.ended == [(1, 2), (1.6, 5), (3, 8), (4, 14)]
    assert trainer.state.max_steps == trainer.state.global_step == 14
    assert trainer.lr_scheduler.get_last_lr()[0] == 0
    assert_accounts_match(trainer)


def test_an_epoch_that_a_callback_ended_is_not_taken_up_again_by_a_resume(tmp_path):
    settings = {"save_strategy": "epoch", "lr_scheduler_type": "linear"}
    callbacks = [StopAt(5, "should_epoch_stop")]
    whole = moving(tmp_path, given=lambda: {"callbacks": callbacks}, **settings)
    whole.train()
    resumed = moving(tmp_path, **settings)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-5"))
    assert resumed.trained == whole.trained[5:]
    assert torch.equal(resumed.model.linear.weight, whole.model.linear.weight)


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "unplanned"])
def test_a_resumed_fractional_epoch_ends_where_it_should(planned, tmp_path):
    """1.5 epochs of 8 and 12 samples: 2 steps and 2 of 3. The last is saved and evaluated."""
    settings = {"num_train_epochs": 1.5, "save_strategy": "steps", "save_steps": 3}
    settings |= {"eval_strategy": "steps", "eval_steps": 3}
    selector = {"sizes": (8, 12), "planned": planned}
    whole = moving(tmp_path, Sized(**selector), **settings)
    whole.train()
    assert whole.state.global_step == 4
    resumed = moving(tmp_path, Sized(**selector), **settings)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-3"))
    assert resumed.trained == whole.trained[3:]
    assert resumed.state.max_steps == 4
    assert history(resumed)[:-1] == history(whole)[:-1]


@pytest.mark.parametrize(
    "length", [{"num_train_epochs": 1.5}, {"max_steps": 4}], ids=["fraction", "max_steps"]
)
def test_resuming_a_run_that_ended_inside_an_epoch_trains_nothing_more(length, tmp_path):
    settings = {"save_strategy": "steps", "save_steps": 4} | length
    whole = moving(tmp_path, Sized(sizes=(8, 12)), **settings)
    whole.train()
    again = moving(tmp_path, Sized(sizes=(8, 12)), **settings)
    assert again.train(resume_from_checkpoint=True).global_step == 4
    assert again.trained == []
    assert again.ledger.samples_per_epoch == [8, 8]


@pytest.mark.slow
def test_a_resumed_run_keeps_the_batch_size_that_was_found(tmp_path):
    settings = {"auto_find_batch_size": True, "save_strategy": "steps", "save_steps": 7}
    whole = moving(tmp_path, cls=ShortOfMemory, **settings)
    whole.train()
    assert whole.state.train_batch_size <= 2
    resumed = moving(tmp_path, cls=ShortOfMemory, **settings)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-7"))
    assert resumed.trained == whole.trained[-len(resumed.trained) :]
    assert torch.equal(resumed.model.linear.weight, whole.model.linear.weight)
    assert resumed.ledger.samples_per_epoch == list(SIZES)
