"""The selector around another: it selects the same, and each gets what it asked for."""

import numpy as np
import pytest
import torch
from torch import nn

from collect_kit import every_score, trainer_of
from conftest import LossDriven, Sized
from hf_dynsel import Feedback, Pool, SelectionSampler, Sweep
from hf_dynsel.collect import CollectScores
from hf_dynsel.scores.aum import AUM
from hf_dynsel.scores.el2n import EL2N
from hf_dynsel.scores.entropy import Entropy
from hf_dynsel.scores.forgetting import Forgetting
from hf_dynsel.selectors import (
    DensityConsistency,
    DynamicRandom,
    FullData,
    InfoBatch,
    RepDivConsistency,
    SelectiveBackprop,
)
from sweep_kit import Deep, scored

LABELS = np.arange(12) % 3
POOL = Pool(12, {"consistency": np.arange(12.0)}, LABELS)


def watched(selector, *scores, vectors=False):
    return CollectScores(scores, vectors=vectors).watch(selector)


INNER = {
    "full": FullData,
    "weights": LossDriven,
    "unplanned": lambda: InfoBatch(prune=0.5, delta=1.0),
    "looks": lambda: DensityConsistency(neighbors=3, refresh="full", augment=False),
    "looks at some": lambda: DensityConsistency(neighbors=3, refresh="seen", augment=False),
}


class Drawing(Deep):
    """Random numbers, and no statistics of batches, which a batch of one has not."""

    def __init__(self):
        super().__init__()
        self.body[1] = nn.Identity()


@pytest.mark.parametrize("name", INNER)
def test_the_training_is_the_same_as_without_collecting(name, tmp_path):
    """Ids, their order, loss weights, learning rates and random numbers, also where both look.

    FullData alone asks for no signals: Trainer's own loss then sums in another order.
    """
    trainers = []
    for collect in (None, CollectScores(every_score(), vectors=True)):
        folder = tmp_path / str(collect is None)
        data = {"train_dataset": scored(28), "selector": INNER[name]()}
        trainers.append(trainer_of(folder, collect, model=Drawing(), **data))
        torch.manual_seed(5)
        trainers[-1].train()
    plain, watching = trainers
    assert watching.trained == plain.trained
    assert watching.rates == plain.rates
    own, other = watching.model.state_dict(), plain.model.state_dict()
    for key, tensor in own.items():
        torch.testing.assert_close(tensor, other[key], rtol=1e-5, atol=1e-6)
    for key, array in plain.selector.state_dict().items():
        np.testing.assert_allclose(watching.selector.state_dict()[key], array, atol=1e-5)
    assert watching.ledger.samples_swept >= 4 * 28


class Asking(Sized):
    """Wants to see every third sample before epoch 1."""

    def sweep(self, epoch):
        return Sweep(np.arange(0, 12, 3), frozenset({"loss"})) if epoch == 1 else None

    def observe(self, feedback):
        self.told = [*getattr(self, "told", []), feedback]


def test_a_look_is_one_for_all_and_each_is_shown_its_part():
    inner = Asking(sizes=(12, 12, 12))
    selector = watched(inner, EL2N(epochs=(1,)), Entropy())
    selector.setup(POOL, 3)
    wanted = selector.sweep(1)
    assert wanted.indices.tolist() == list(range(12))
    assert wanted.signals == {"loss", "el2n"}
    signals = {"loss": np.arange(12.0), "el2n": np.ones(12)}
    selector.observe(Feedback(1, wanted.indices, signals, swept=True))
    (told,) = inner.told
    assert told.swept and told.indices.tolist() == [0, 3, 6, 9]
    assert told.signals.keys() == {"loss"} and told.signals["loss"].tolist() == [0, 3, 6, 9]


def test_the_inner_look_is_left_as_it_is_where_no_score_looks():
    selector = watched(Asking(), Entropy(), AUM())
    selector.setup(POOL, 3)
    assert selector.sweep(0) is None
    assert selector.sweep(1).indices.tolist() == [0, 3, 6, 9]
    assert selector.sweep(3).signals == {"entropy"}  # after the last epoch
    assert selector.signals == {"margin"}


@pytest.mark.parametrize("kind", [DensityConsistency, RepDivConsistency])
def test_selectors_that_look_before_epochs_want_nothing_after_the_last(kind):
    scores = {name: np.arange(12.0) for name in ("consistency", "diversity", "representativeness")}
    for settings in ({}, {"refine": 0.0} if kind is RepDivConsistency else {"full_tail": 0.0}):
        selector = kind(neighbors=3, **settings)
        selector.setup(Pool(12, scores, LABELS), 4)
        assert selector.sweep(3) is not None or not settings
        assert selector.sweep(4) is None


def test_only_what_is_asked_of_the_trained_model_is_wanted_after_the_last_epoch():
    selector = watched(FullData(), Forgetting(), vectors=True)
    selector.setup(POOL, 3)
    assert [selector.sweep(epoch) for epoch in range(3)] == [None] * 3
    assert selector.sweep(3).signals == {"features", "error"}


def test_hyperparameters_of_both_identify_the_run():
    config = watched(DynamicRandom(3, keep=0.5), EL2N(epochs=(2,)), vectors=True).config()
    inner = {"selector": "DynamicRandom", **DynamicRandom(3, keep=0.5).config()}
    assert config["collecting"] == inner and inner["seed"] == 3
    assert config["scores"] == {"el2n": {"normalize": "minmax", "epochs": (2,)}}
    assert config["after"] == ["error", "features"]


def test_the_state_goes_through_a_checkpoint():
    one, other = (watched(LossDriven(), AUM(), Forgetting()) for _ in range(2))
    for selector in (one, other):
        selector.setup(POOL, 3)
    signals = {"loss": LABELS + 0.5, "margin": LABELS - 1.0, "correct": LABELS % 2.0}
    one.observe(Feedback(0, np.arange(12), signals))
    state = {name: array.copy() for name, array in one.state_dict().items()}
    assert {"inner.losses", "scores.aum.total", "scores.forgetting.right"} < state.keys()
    other.load_state_dict(state)
    assert other.inner.losses.tolist() == (LABELS + 0.5).tolist()
    assert other.states["aum"]["total"].tolist() == (LABELS - 1.0).tolist()
    assert other.select(1).indices.tolist() == one.select(1).indices.tolist()
    with pytest.raises(ValueError, match="another selector, or of other scores"):
        other.load_state_dict({"inner.losses": state["inner.losses"]})


def test_a_size_that_depends_on_training_is_known_where_an_epoch_needs_it():
    selector = watched(InfoBatch(prune=0.5, delta=1.0), EL2N(epochs=(1,)))
    sampler = SelectionSampler(selector, POOL, 3)
    assert selector.planned_size(1) is None
    sampler.feedback(torch.arange(12), loss=torch.arange(12.0))
    sampler.set_epoch(1)
    assert len(sampler) == 9  # of the six below the mean, three are dropped
    sampler.show({"el2n": np.ones(12, np.float32)})
    assert len(list(sampler)) == 9


def test_a_selector_inside_of_batches_is_refused():
    with pytest.raises(ValueError, match="SelectiveBackprop chooses inside of batches"):
        watched(SelectiveBackprop(), AUM())


def test_data_without_one_class_per_sample_is_refused_before_training():
    with pytest.raises(ValueError, match="one class per sample, and the training set has no int"):
        SelectionSampler(watched(FullData(), AUM()), Pool(12), 3)


def test_a_run_too_short_for_a_look_is_refused_before_training():
    with pytest.raises(ValueError, match="EL2N looks after 10 epochs, and the run has 3"):
        SelectionSampler(watched(FullData(), EL2N(epochs=(10,))), POOL, 3)
