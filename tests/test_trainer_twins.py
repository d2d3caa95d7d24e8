"""With all of the data, metrics, best models, stops and files are those of the Trainer."""

import pytest
import torch
from datasets import Dataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    EarlyStoppingCallback,
)

from behaviour_kit import (
    BEST,
    TIMES,
    ShortOfMemory,
    StopAt,
    accuracy,
    assert_alike,
    moving,
    orders,
    own_loss,
    samples_timed,
    twins,
)
from conftest import LossDriven, Net, table
from hf_dynsel import DynamicSelectionTrainer
from trainer_kit import PlainTrainer, arguments

PLATEAU = {"factor": 0.5, "patience": 0}
CASES = {
    "metrics": {"eval_strategy": "epoch"},
    "best_by_loss": BEST | {"metric_for_best_model": "loss", "learning_rate": 3.0},
    "best_by_steps": BEST
    | {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 4, "save_steps": 4},
    "one_checkpoint_kept": BEST | {"save_total_limit": 1},
    "save_best": BEST | {"save_strategy": "best"},
    "save_model_only": BEST | {"save_only_model": True},
    "eval_on_start": {"eval_strategy": "epoch", "eval_on_start": True},
    "eval_delay": {"eval_strategy": "epoch", "eval_delay": 2},
    "eval_steps_uneven": {"eval_strategy": "steps", "eval_steps": 5},
    "max_steps": {"max_steps": 8, "eval_strategy": "epoch"},
    "max_steps_accumulated": {"max_steps": 5, "gradient_accumulation_steps": 4},
    "fraction": {"num_train_epochs": 1.4, "eval_strategy": "epoch"},
    "less_than_an_epoch": {"num_train_epochs": 0.5},
    "fraction_accumulated": {"num_train_epochs": 2.5, "gradient_accumulation_steps": 4},
    "log_by_epoch": {"logging_strategy": "epoch", "logging_first_step": True},
    "log_by_share": {"logging_steps": 0.3},
    "no_log": {"logging_strategy": "no"},
    "drop_last": {"dataloader_drop_last": True, "gradient_accumulation_steps": 2},
    "plateau": BEST | {"lr_scheduler_type": "reduce_lr_on_plateau", "lr_scheduler_kwargs": PLATEAU},
    "empty_cache": {"torch_empty_cache_steps": 2},
    "metrics_with_losses": {"eval_strategy": "epoch", "include_for_metrics": ["loss"]},
}


@pytest.mark.parametrize("name", CASES)
def test_with_all_the_data_it_is_the_trainer(name, tmp_path):
    plain, ours = twins(tmp_path, **CASES[name])
    assert_alike(plain, ours)
    assert samples_timed(ours) == pytest.approx(ours.ledger.samples_trained, rel=0.02)


@pytest.mark.parametrize(
    "callback",
    [
        lambda: EarlyStoppingCallback(early_stopping_patience=1),
        lambda: StopAt(9, "should_training_stop"),
    ],
    ids=["early_stopping", "mid_epoch"],
)
def test_a_stopped_run_is_the_trainers(callback, tmp_path):
    """A rate of 3 makes accuracy stop rising after the first epochs."""
    plain, ours = twins(tmp_path, lambda: {"callbacks": [callback()]}, learning_rate=3.0, **BEST)
    assert ours.state.global_step < 24
    assert_alike(plain, ours)
    assert samples_timed(ours) == pytest.approx(ours.ledger.samples_trained, rel=0.02)


def test_a_loss_function_of_the_users_own_is_used(tmp_path):
    settings = {"gradient_accumulation_steps": 3}
    assert_alike(*twins(tmp_path, lambda: {"compute_loss_func": own_loss}, **settings))


def test_evaluating_and_predicting_before_training_is_the_trainers(tmp_path):
    results = []
    for plain in (True, False):
        trainer = (PlainTrainer if plain else DynamicSelectionTrainer)(
            model=Net(),
            args=arguments(tmp_path),
            train_dataset=table(22),
            eval_dataset={"a": table(9), "b": table(5)},
            compute_metrics=accuracy,
            **({"orders": orders(22)} if plain else {"selector": LossDriven()}),
        )
        numbers = trainer.evaluate() | trainer.predict(table(5)).metrics
        results.append({n: value for n, value in numbers.items() if not n.endswith(TIMES)})
        if not plain:
            assert trainer.ledger.samples_forwarded == trainer.sampler.usage.sum() == 0
    assert results[0] == results[1]


def tiny_bert():
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    config = BertConfig(vocab_size=20, num_attention_heads=2, num_labels=3, **sizes)
    return BertForSequenceClassification(config)


def texts(count=22):
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 20, (count, 6), generator=generator)
    tokens[::3, 4:] = 0
    mask = (tokens > 0).long()
    columns = {"input_ids": tokens.tolist(), "attention_mask": mask.tolist()}
    return Dataset.from_dict(columns | {"labels": [i % 3 for i in range(count)]})


@pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize(
    "settings",
    [
        {"include_num_input_tokens_seen": "all"},
        {"include_num_input_tokens_seen": "non_padding", "gradient_accumulation_steps": 3},
        {"neftune_noise_alpha": 5.0},
        {"gradient_checkpointing": True},
        {"label_smoothing_factor": 0.2, "gradient_accumulation_steps": 3},
    ],
    ids=["tokens", "tokens_unpadded", "neftune", "checkpointing", "smoothing"],
)
def test_a_language_model_is_trained_as_by_the_trainer(settings, tmp_path):
    """Dropout draws the same numbers, so selecting takes none from the global stream."""
    given = {"eval_dataset": texts(5), "compute_metrics": None}
    settings = {"num_train_epochs": 2, "eval_strategy": "epoch"} | settings
    plain, ours = twins(tmp_path, lambda: given, tiny_bert, texts, **settings)
    assert plain.state.total_flos > 0
    assert_alike(plain, ours)


def test_training_twice_goes_on_from_the_trained_model(tmp_path):
    plain, ours = twins(tmp_path, num_train_epochs=2)
    for trainer in (plain, ours):
        trainer.train()
    assert_alike(plain, ours)


NAMED = {
    "one_cycle": {"lr_schedule": "one_cycle"},
    "multi_step": {"lr_schedule": "multi_step", "lr_scheduler_kwargs": {"milestones": [1, 3]}},
}


@pytest.mark.parametrize("name", NAMED)
def test_training_twice_starts_a_named_schedule_afresh(name, tmp_path):
    trainer = moving(tmp_path, **NAMED[name])
    trainer.train()
    first = list(trainer.rates)
    trainer.train()
    assert trainer.rates[len(first) :] == first


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_a_retry_with_a_smaller_batch_starts_a_named_schedule_afresh(name, tmp_path):
    tried = moving(tmp_path, cls=ShortOfMemory, auto_find_batch_size=True, **NAMED[name])
    tried.train()
    size = tried.state.train_batch_size
    known = moving(tmp_path, per_device_train_batch_size=size, **NAMED[name])
    known.train()
    assert tried.rates == known.rates
