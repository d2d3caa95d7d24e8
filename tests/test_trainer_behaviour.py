"""Metrics, best models, early stopping, searches and callbacks behave as in the Trainer."""

import dataclasses
from pathlib import Path

import numpy as np
import optuna
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from safetensors.torch import load_file
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    EarlyStoppingCallback,
    TrainerCallback,
)

from conftest import LossDriven, Net, Sized, rows, table
from hf_dynsel import DynamicSelectionTrainer, Pool, SelectionSampler
from hf_dynsel.selectors import DynamicRandom, FullData
from trainer_kit import PlainTrainer, RecordingTrainer, arguments

TIMES = ("runtime", "per_second", "preparation_time")
OURS = {"selection.json", "selection.safetensors", "selections.parquet"}
SIZES = (8, 20, 12, 24)  # 2, 5, 3 and 6 steps of 4
ENDS = [2, 7, 10, 16]


def accuracy(prediction):
    hits = prediction.predictions.argmax(1) == prediction.label_ids
    return {"accuracy": float(hits.mean())}


def scripted(*scores):
    """Metrics whose score is, at each evaluation, the next of these."""
    upcoming = iter(scores)
    return lambda prediction: {"score": next(upcoming)}


def orders(count, epochs=8):
    sampler = SelectionSampler(FullData(), Pool(count), epochs)
    shuffled = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        shuffled.append(list(sampler))
    return shuffled


def twins(folder, given=dict, model=Net, data=lambda: table(22), **settings):
    """Returns the Trainer, and ours with all of its data in the same order; both trained."""
    trained = []
    for name, cls in (("plain", PlainTrainer), ("ours", RecordingTrainer)):
        torch.manual_seed(0)
        last = {"orders": orders(22)} if name == "plain" else {"selector": FullData()}
        common = {"eval_dataset": table(9), "compute_metrics": accuracy} | given()
        trainer = cls(
            model=model(),
            args=arguments(folder / name, **settings),
            train_dataset=data(),
            **common,
            **last,
        )
        trainer.train()
        trained.append(trainer)
    return trained


def history(trainer):
    """The log, without wall times and without what only a selection has."""
    return [
        {name: value for name, value in entry.items() if not name.endswith(TIMES)}
        for entry in trainer.state.log_history
        if "selection/size" not in entry
    ]


def state(trainer):
    values = dataclasses.asdict(trainer.state) | {"log_history": history(trainer)}
    if best := values["best_model_checkpoint"]:
        values["best_model_checkpoint"] = Path(best).name
    return values


def files(trainer):
    root = Path(trainer.args.output_dir)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def assert_alike(plain, ours):
    for name, tensor in plain.model.state_dict().items():
        assert torch.equal(ours.model.state_dict()[name], tensor)
    assert state(ours) == state(plain)
    assert {name for name in files(ours) if Path(name).name not in OURS} == files(plain)


def samples_timed(trainer):
    """How many samples the reported speed is of."""
    last = trainer.state.log_history[-1]
    return last["train_samples_per_second"] * last["train_runtime"]


def moving(folder, selector=None, cls=RecordingTrainer, given=dict, **settings):
    """Returns our trainer over epochs of different lengths, not yet trained."""
    return cls(
        model=Net(),
        args=arguments(folder, **settings),
        train_dataset=table(24),
        eval_dataset=table(9),
        selector=Sized(sizes=SIZES) if selector is None else selector,
        **given(),
    )


def assert_accounts_match(trainer):
    """Ledger, usage and log cover what was trained, no more and no less."""
    trained = trainer.epochs()
    counts = np.bincount(np.concatenate(trained), minlength=24)
    assert trainer.ledger.samples_per_epoch == [len(ids) for ids in trained]
    assert trainer.sampler.usage.tolist() == counts.tolist()
    logged = pq.read_table(f"{trainer.args.output_dir}/selections.parquet").to_pydict()
    pairs = list(zip(logged["epoch"], logged["index"], strict=True))
    assert sorted(pairs) == sorted((e, i) for e, ids in enumerate(trained) for i in ids)


class EachEpoch(TrainerCallback):
    """Notes when epochs begin and end."""

    def __init__(self):
        self.begun, self.ended = [], []

    def on_epoch_begin(self, args, state, control, **kwargs):
        self.begun.append((state.epoch, state.global_step))

    def on_epoch_end(self, args, state, control, **kwargs):
        self.ended.append((state.epoch, state.global_step))


class StopAt(TrainerCallback):
    """Ends the epoch or the run once a step is reached."""

    def __init__(self, step, flag):
        self.step, self.flag = step, flag

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            setattr(control, self.flag, True)


class ShortOfMemory(RecordingTrainer):
    """Has no room for more than two samples."""

    def training_step(self, model, inputs, *args, **kwargs):
        if len(inputs["labels"]) > 2:
            raise RuntimeError("CUDA out of memory.")
        return super().training_step(model, inputs, *args, **kwargs)


# ---- With all the data, it is the Trainer

BEST = {
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "load_best_model_at_end": True,
    "metric_for_best_model": "accuracy",
}
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


def own_loss(outputs, labels, num_items_in_batch=None):
    return F.cross_entropy(outputs["logits"], labels, reduction="sum") / num_items_in_batch


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


@pytest.mark.parametrize("name", NAMED)
def test_a_retry_with_a_smaller_batch_starts_a_named_schedule_afresh(name, tmp_path):
    tried = moving(tmp_path, cls=ShortOfMemory, auto_find_batch_size=True, **NAMED[name])
    tried.train()
    size = tried.state.train_batch_size
    known = moving(tmp_path, per_device_train_batch_size=size, **NAMED[name])
    known.train()
    assert tried.rates == known.rates


# ---- Epochs of different lengths


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


# ---- Hyperparameter search


class Trials(RecordingTrainer):
    """Keeps what each trial trained and where it ended."""

    def train(self, *args, **kwargs):
        self.trained = []
        output = super().train(*args, **kwargs)
        self.results = [*getattr(self, "results", []), (self.trained, self.model.linear.weight)]
        return output


def space(learning_rate, epochs, batch_size):
    return {
        "learning_rate": learning_rate,
        "num_train_epochs": epochs,
        "per_device_train_batch_size": batch_size,
    }


SPACE = [space(0.1, 3, 4), space(0.5, 2, 8), space(0.1, 3, 4)]


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """Three trials, the last with the settings of the first."""
    folder = tmp_path_factory.mktemp("search")
    trainer = Trials(
        model_init=lambda: Net(),
        args=arguments(folder, save_strategy="epoch", eval_strategy="epoch"),
        train_dataset=table(24),
        eval_dataset=table(9),
        selector=LossDriven(),
    )
    best = trainer.hyperparameter_search(lambda trial: SPACE[trial.number], n_trials=3)
    return folder, trainer, best


def test_every_trial_selects_afresh(search):
    _, trainer, _ = search
    first, second, third = trainer.results
    assert third[0] == first[0]
    assert torch.equal(third[1], first[1])
    assert [len(ids) for _, ids in first[0]] == [4] * 12
    assert [len(ids) for _, ids in second[0]] == [8] * 4


def test_a_trial_is_the_run_it_would_be_alone(search, tmp_path):
    _, trainer, best = search
    args = arguments(tmp_path, **SPACE[1])
    alone = RecordingTrainer(model=Net(), args=args, train_dataset=table(24), selector=LossDriven())
    alone.train()
    assert trainer.results[1][0] == alone.trained
    assert torch.equal(trainer.results[1][1], alone.model.linear.weight)
    assert best.run_id in {"0", "1"}


def test_each_trial_keeps_its_own_selections(search):
    folder, trainer, _ = search
    assert not (folder / "selections.parquet").exists()
    for number, (trained, _) in enumerate(trainer.results):
        run = folder / f"run-{number}"
        logged = pq.read_table(run / "selections.parquet").to_pydict()
        pairs = sorted(zip(logged["epoch"], logged["index"], strict=True))
        assert pairs == sorted((epoch, i) for epoch, ids in trained for i in ids)
        assert list(run.glob("checkpoint-*/selection.json"))


def test_a_search_finds_what_the_trainers_finds(tmp_path):
    found = []
    for plain in (True, False):
        trainer = (PlainTrainer if plain else DynamicSelectionTrainer)(
            model_init=lambda: Net(),
            args=arguments(tmp_path, num_train_epochs=1),
            train_dataset=table(22),
            eval_dataset=table(9),
            **({"orders": orders(22)} if plain else {"selector": FullData()}),
        )
        found.append(
            trainer.hyperparameter_search(
                lambda trial: {"learning_rate": trial.suggest_float("learning_rate", 0.01, 1)},
                n_trials=2,
                direction="minimize",
                backend="optuna",
                sampler=optuna.samplers.RandomSampler(seed=0),
            )
        )
    assert found[0] == found[1]


def test_a_pruned_trial_leaves_nothing_to_the_next(tmp_path):
    """The first trial is pruned at its first evaluation; the second equals a run of its own."""
    trainer = Trials(
        model_init=lambda: Net(),
        args=arguments(tmp_path / "search", eval_strategy="epoch", num_train_epochs=2),
        train_dataset=table(24),
        eval_dataset=table(9),
        selector=LossDriven(),
    )
    trainer.hyperparameter_search(
        lambda trial: {"learning_rate": [50.0, 0.1][trial.number]},
        n_trials=2,
        pruner=optuna.pruners.ThresholdPruner(upper=10),
    )
    assert len(trainer.results) == 1
    alone = moving(tmp_path / "alone", LossDriven(), num_train_epochs=2)
    alone.train()
    assert trainer.trained == alone.trained
    assert np.array_equal(trainer.sampler.usage, alone.sampler.usage)


# ---- Other ways to say what to train on


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
