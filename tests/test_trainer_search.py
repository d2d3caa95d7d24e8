"""Every trial of a hyperparameter search selects afresh."""

import numpy as np
import optuna
import pyarrow.parquet as pq
import pytest
import torch

from behaviour_kit import moving, orders
from conftest import LossDriven, Net, table
from hf_dynsel import DynamicSelectionTrainer
from hf_dynsel.selectors import FullData
from trainer_kit import PlainTrainer, RecordingTrainer, arguments


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


@pytest.mark.slow
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
