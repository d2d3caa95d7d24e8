"""`CollectScores` among the callbacks: several trainings, other data, what is refused."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import TrainerCallback

from collect_kit import columns, labelled, require_same, trainer_of
from conftest import Net, rows
from hf_dynsel import train
from hf_dynsel.collect import CollectScores
from hf_dynsel.pool import pool_of
from hf_dynsel.provenance import fingerprint, recorded
from hf_dynsel.scores import Consistency, Density, attach, load_scores, save_scores
from hf_dynsel.scores.aum import AUM
from hf_dynsel.scores.el2n import EL2N
from hf_dynsel.scores.entropy import Entropy
from hf_dynsel.scores.forgetting import Forgetting
from hf_dynsel.selectors import DynamicRandom, FullData, TopScore
from sweep_kit import Deep, noisy


def collected(folder, scores, dataset=None, model=None, **changes):
    collect = CollectScores(scores, **changes)
    run(folder, collect, dataset, model)
    return collect


def run(folder, collect, dataset=None, model=None, **changes):
    dataset = labelled(24) if dataset is None else dataset
    settings = {"train_dataset": dataset, "model": model or Deep(), "num_train_epochs": 2}
    trainer = trainer_of(folder, collect, **(settings | changes))
    trainer.train()
    return trainer


def test_columns_are_normalised_and_say_how_they_came(tmp_path):
    dataset = labelled(24)
    scored = collected(tmp_path, [Entropy(), AUM(normalize="rank")], dataset).add_to(dataset)
    values = columns(scored)
    assert values["score_entropy"].dtype == np.float32
    assert (values["score_entropy"].min(), values["score_entropy"].max()) == (0, 1)
    np.testing.assert_allclose(np.sort(values["score_aum"]), np.arange(24) / 23, atol=1e-6)
    entry = recorded(scored)["scores"]["aum"]
    assert entry["class"] == "AUM" and entry["config"] == {"normalize": "rank"}
    assert entry["runs"] == 1
    assert entry["training"] == [{"selector": "FullData", "seed": 0, "epochs": 2}]
    assert entry["dataset_fingerprint"] == fingerprint(dataset) == fingerprint(scored)
    assert (entry["num_rows"], entry["label"]) == (24, "label")
    assert entry.keys() >= {"library_version"}


def test_the_scores_are_saved_loaded_and_attached_as_all_others(tmp_path):
    dataset = labelled(24)
    collect = collected(tmp_path / "run", [EL2N(), Density(neighbors=3)], dataset, vectors=True)
    scored = collect.add_to(dataset)
    save_scores(scored, tmp_path / "scores")
    shuffled = dataset.shuffle(seed=1)
    again = attach(shuffled, load_scores(tmp_path / "scores"))
    for name in ("score_el2n", "score_density"):
        np.testing.assert_array_equal(again[name], scored.shuffle(seed=1)[name])
    assert recorded(again)["scores"]["el2n"]["training"] == [
        {"selector": "FullData", "seed": 0, "epochs": 2}
    ]


def test_a_selector_trains_on_what_was_collected(tmp_path):
    dataset = labelled(24)
    scored = collected(tmp_path / "run", [EL2N()], dataset, vectors=True).add_to(dataset)
    trainer = run(tmp_path / "next", None, scored, selector=TopScore(score="el2n", keep=0.25))
    hardest = np.argsort(-columns(scored)["score_el2n"], kind="stable")[:6]
    assert [sorted(ids) for ids in trainer.epochs()] == [sorted(hardest.tolist())] * 2


def test_vectors_are_columns_of_the_pool_and_no_part_of_the_data(tmp_path):
    dataset = labelled(24)
    scored = collected(tmp_path, [], dataset, vectors=True).add_to(dataset)
    assert scored.features["proxy_features"].length == 6
    assert scored.features["proxy_error"].length == 3
    assert scored.features["proxy_error"].feature.dtype == "float32"
    assert fingerprint(scored) == fingerprint(dataset)
    assert recorded(scored)["proxy"]["training"]["epochs"] == 2
    pool = pool_of(scored, {"proxy_features"})
    assert pool.column("proxy_features").shape == (24, 6)


# ---- Several trainings


class Other(Deep):
    """Other initial weights."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(9)
            self.head.reset_parameters()


def test_scores_are_means_over_trainings_before_they_are_normalised(tmp_path):
    dataset, both = labelled(24), CollectScores([Entropy(), AUM(), Density(neighbors=3)])
    apart = []
    for model in (Deep, Other):
        scores = [
            Entropy(normalize=None),
            AUM(normalize=None),
            Density(neighbors=3, normalize=None),
        ]
        alone = collected(tmp_path / model.__name__, scores, dataset, model())
        apart.append(columns(alone.add_to(dataset)))
        run(tmp_path / "both", both, dataset, model())
    assert both.runs == 2
    scored = both.add_to(dataset)
    for name, values in columns(scored).items():
        mean = (apart[0][name] + apart[1][name]) / 2
        scaled = (mean - mean.min()) / (mean.max() - mean.min())
        np.testing.assert_allclose(values, scaled, atol=1e-5, err_msg=name)
        assert not np.allclose(apart[0][name], apart[1][name])
    assert recorded(scored)["scores"]["entropy"]["runs"] == 2


def test_a_training_on_other_data_is_refused_before_it_starts(tmp_path):
    collect = collected(tmp_path / "first", [AUM()])
    with pytest.raises(ValueError, match="collected on 24 rows, and the dataset has 21"):
        run(tmp_path / "fewer", collect, labelled(21))
    changed = labelled(24).shuffle(seed=0)
    with pytest.raises(ValueError, match=r"row \d+ was of class \d when scores were collected, a"):
        run(tmp_path / "shuffled", collect, changed)
    x = torch.zeros(24, 4).tolist()
    other = Dataset.from_dict({"x": x, "label": rows(24)["labels"]}).with_format("torch")
    with pytest.raises(ValueError, match="a dataset with the fingerprint"):
        run(tmp_path / "other", collect, other)
    assert collect.runs == 1


class Stop(Exception):
    pass


class Stopping(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == 8:
            raise Stop


def test_a_training_that_did_not_end_is_no_run(tmp_path):
    collect = CollectScores([AUM()])
    trainer = trainer_of(tmp_path, collect, train_dataset=labelled(24))
    trainer.add_callback(Stopping())
    with pytest.raises(Stop):
        trainer.train()
    assert collect.runs == 0
    run(tmp_path / "again", collect)
    assert collect.runs == 1


def test_the_data_is_read_once_for_all_that_compares_it(tmp_path):
    dataset, collect = labelled(24), CollectScores([AUM()])
    with patch("hf_dynsel.collect.runs.fingerprint", wraps=fingerprint) as reading:
        for place in range(3):
            run(tmp_path / str(place), collect, dataset)
        assert collect.runs == 3
    assert reading.call_count == 1


def test_training_again_with_one_trainer_is_a_second_run(tmp_path):
    collect = CollectScores([AUM()])
    trainer = run(tmp_path, collect)
    trainer.train()
    assert collect.runs == 2


class EndAfterOneEpoch(TrainerCallback):
    def on_epoch_end(self, args, state, control, **kwargs):
        control.should_training_stop = True


def test_a_training_that_a_callback_ends_has_the_scores_that_it_could_have(tmp_path):
    dataset = labelled(24)
    collect = CollectScores([AUM(), Forgetting(), Entropy()])
    trainer = trainer_of(tmp_path / "a", collect, train_dataset=dataset)
    trainer.add_callback(EndAfterOneEpoch())
    trainer.train()
    scored = collect.add_to(dataset)
    assert columns(scored).keys() == {"score_aum", "score_forgetting", "score_entropy"}
    assert recorded(scored)["scores"]["aum"]["training"][0]["epochs"] == 1
    late = CollectScores([AUM(), EL2N(epochs=(3,))])
    trainer = trainer_of(tmp_path / "b", late, train_dataset=dataset)
    trainer.add_callback(EndAfterOneEpoch())
    trainer.train()
    with pytest.raises(ValueError, match="score 'el2n' is NaN or infinite for 24 rows"):
        late.add_to(dataset)


def test_rows_that_were_never_trained_on_have_no_score(tmp_path):
    collect = CollectScores([AUM()])
    run(tmp_path, collect, selector=DynamicRandom(keep=0.25))
    with pytest.raises(ValueError, match="train on all rows, as FullData does"):
        collect.add_to(labelled(24))


# ---- The dataset that gets the columns


def test_columns_are_only_added_to_the_rows_that_were_trained_on(tmp_path):
    dataset = labelled(24)
    collect = collected(tmp_path, [AUM()], dataset)
    with pytest.raises(ValueError, match="collected on 24 rows, and the dataset has 20"):
        collect.add_to(dataset.select(range(20)))
    with pytest.raises(ValueError, match="must be the same rows in the same order"):
        collect.add_to(dataset.shuffle(seed=0))
    swapped = list(range(24))
    swapped[0], swapped[3] = 3, 0  # of one class
    with pytest.raises(ValueError, match="pass same_rows=True"):
        collect.add_to(dataset.select(swapped))


def test_another_form_of_the_same_rows_is_taken_if_asked_for(tmp_path):
    """As of texts that were tokenized for the training."""
    dataset = labelled(24)
    collect = collected(tmp_path, [AUM()], dataset)
    texts = Dataset.from_dict({"text": list("abcdefgh" * 3), "label": rows(24)["labels"]})
    with pytest.raises(ValueError, match="pass same_rows=True"):
        collect.add_to(texts)
    scored = collect.add_to(texts, same_rows=True)
    assert recorded(scored)["scores"]["aum"]["dataset_fingerprint"] == fingerprint(texts)
    with pytest.raises(ValueError, match=r"row \d was of class \d when scores were collected"):
        collect.add_to(texts.shuffle(seed=1), same_rows=True)


def test_without_a_training_there_is_nothing_to_add():
    with pytest.raises(ValueError, match="no training has ended from which scores were collected"):
        CollectScores([AUM()]).add_to(labelled(24))


# ---- The loop


def test_the_loop_collects_what_the_trainer_does(tmp_path):
    dataset = labelled(24)
    scores = [EL2N(epochs=(1,)), Forgetting(), AUM(), Entropy(), Density(neighbors=3)]
    by_trainer = collected(tmp_path / "trainer", scores, dataset, Renamed(), vectors=True)
    by_loop, model = CollectScores(scores, vectors=True), Renamed()
    progress = train(
        model,
        dataset.rename_column("label", "labels"),
        by_loop.watch(FullData()),
        torch.optim.SGD(model.parameters(), 0.1),
        epochs=2,
        batch_size=4,
        output_dir=tmp_path / "loop",
    )
    require_same(by_loop.add_to(dataset), by_trainer.add_to(dataset), rtol=1e-4, atol=1e-5)
    assert progress.ledger.samples_swept == 2 * 24
    assert progress.ledger.seconds["sweep"] > 0


class Renamed(Deep):
    """The same without random numbers, which the two drivers draw from other streams."""

    def __init__(self):
        super().__init__()
        self.body[3].p = 0.0


# ---- What is refused


def test_scores_that_no_training_gives_are_refused():
    with pytest.raises(ValueError, match="'consistency' reads features_cosine, which no training"):
        CollectScores([Consistency()])
    with pytest.raises(ValueError, match=r"scores \['aum'\] are given twice"):
        CollectScores([AUM(), AUM(normalize="rank")])
    with pytest.raises(ValueError, match="nothing to collect"):
        CollectScores([])


def test_two_among_the_callbacks_are_refused(tmp_path):
    trainer = trainer_of(tmp_path, CollectScores([AUM()]))
    trainer.add_callback(CollectScores([Entropy()]))
    with pytest.raises(ValueError, match="2 CollectScores are among the callbacks"):
        trainer.train()


def test_a_random_transform_needs_a_clean_view_for_looks_alone(tmp_path):
    with pytest.raises(ValueError, match="pass clean_dataset="):
        trainer_of(tmp_path, CollectScores([Entropy()]), train_dataset=noisy(24))
    trainer_of(tmp_path, CollectScores([AUM()]), train_dataset=noisy(24))


def test_a_model_that_cannot_report_is_refused_before_training(tmp_path):
    class Logitless(Net):
        def forward(self, x, labels=None):
            return {"loss": super().forward(x, labels)["loss"]}

    trainer = trainer_of(tmp_path, CollectScores([Entropy()]), model=Logitless())
    with pytest.raises(TypeError, match="the model returned no logits"):
        trainer.train()
    assert not trainer.trained
