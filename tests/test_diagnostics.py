import numpy as np
import pytest
import torch

from hf_dynsel.core import Pool, Selection
from hf_dynsel.diagnostics import describe
from hf_dynsel.sampler import SelectionSampler
from test_sampler import Told


class Scheduled(Told):
    def diagnostics(self, epoch):
        return {"alpha": 0.5 - epoch / 4}


def sampler_of(labels, *epochs):
    chosen = tuple(Selection(np.array(epoch)) for epoch in epochs)
    return SelectionSampler(Scheduled(epochs=chosen), Pool(8, labels=labels), len(epochs))


def train(sampler):
    sampler.feedback(torch.tensor(list(sampler)))


def test_two_epochs_in_numbers():
    """Of eight samples three are trained, then two, one of them again: four are never used."""
    sampler = sampler_of(np.array([0, 0, 0, 1, 1, 1, 2, 2]), [0, 1, 3], [3, 7])
    assert describe(sampler) == {
        "selection/epoch": 0.0,
        "selection/size": 3.0,
        "selection/never_used": 5 / 8,
        "selection/alpha": 0.5,
        "selection/class_share/0": pytest.approx(2 / 3),
        "selection/class_share/1": pytest.approx(1 / 3),
        "selection/class_share/2": 0.0,
    }
    train(sampler)
    sampler.set_epoch(1)
    assert describe(sampler) == {
        "selection/epoch": 1.0,
        "selection/size": 2.0,
        "selection/never_used": 4 / 8,
        "selection/alpha": 0.25,
        "selection/overlap": 0.5,
        "selection/class_share/0": 0.0,
        "selection/class_share/1": 0.5,
        "selection/class_share/2": 0.5,
    }


def test_describing_changes_nothing():
    sampler = sampler_of(None, [0, 1, 3])
    assert describe(sampler) == describe(sampler)
    assert sampler.usage.sum() == 0


def test_without_labels_there_is_no_class_mix():
    names = {name for name in describe(sampler_of(None, [0, 1])) if "class" in name}
    assert names == set()


@pytest.mark.parametrize(("classes", "named"), [(20, True), (21, False)])
def test_of_many_classes_the_smallest_and_largest_share_stand_for_all(classes, named):
    """Samples 0 and 21 are of class 0, sample 1 is of class 1: shares 2/3, 1/3 and zeros."""
    labels = np.arange(2 * classes) % classes
    chosen = Selection(np.array([0, 1, classes]))
    sampler = SelectionSampler(Told(epochs=(chosen,)), Pool(2 * classes, labels=labels), 1)
    shares = {n.split("/")[-1]: v for n, v in describe(sampler).items() if "class_share" in n}
    if named:
        assert len(shares) == classes
        assert (shares["0"], shares["1"], shares["2"]) == (2 / 3, 1 / 3, 0)
    else:
        assert shares == {"min": 0.0, "max": pytest.approx(2 / 3)}


def test_every_number_is_a_plain_float():
    """As trackers and JSON take it."""
    sampler = sampler_of(np.array([0, 0, 0, 1, 1, 1, 2, 2]), [0, 1, 3])
    assert {type(value) for value in describe(sampler).values()} == {float}
