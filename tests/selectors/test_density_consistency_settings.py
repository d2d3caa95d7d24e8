"""What `DensityConsistency` refuses, with the rule, before a run."""

import numpy as np
import pytest

from hf_dynsel import Pool
from hf_dynsel.selectors import DensityConsistency

E14_COSINES = [0.30, 0.28, 0.10, 0.27, 0.05, 0.26]


def pool_of(cosines, labels=None):
    return Pool(len(cosines), {"consistency": np.array(cosines, np.float32)}, labels)


def set_up(cosines, labels=None, **settings):
    DensityConsistency(neighbors=2, **settings).setup(pool_of(cosines, labels), 4)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"keep": 0.0}, "keep must be in"),
        ({"rule": "best"}, "rule must be one of 'topk', 'sample', got 'best'"),
        ({"fusion": "sum"}, "fusion must be one of"),
        ({"weight": 1.5}, "weight must be in \\[0, 1\\], got 1.5"),
        ({"rule": "sample", "floor": 0.0}, "floor must be above 0"),
        ({"neighbors": 6}, "neighbors must be from 1 to the pool's size less one, got 6 for 6"),
        ({"refresh_every": 0}, "refresh_every must be at least 1"),
        ({"refresh": "some"}, "refresh must be one of"),
        ({"backend": "faiss"}, "backend must be one of"),
        ({"normalize": "z"}, "normalize must be one of"),
        ({"quota": "equal"}, "needs class labels"),
        ({"consistency": "clip"}, "no score column 'clip'"),
        ({"consistency": None, "guard": 0.1}, "do nothing"),
        ({"fusion": "learned", "refresh": "seen"}, "refresh='full'"),
        ({"fusion": "learned"}, "needs class labels"),
        ({"warmup_epochs": -1}, "warmup_epochs must be a whole number of epochs, at least 0"),
        ({"warmup_epochs": 1.5}, "warmup_epochs must be a whole number of epochs"),
        ({"guard": 0.1, "refresh": "seen"}, "guard follows the losses .* set refresh='full'"),
    ],
)
def test_bad_settings_are_refused_with_the_rule(setting, message):
    selector = DensityConsistency(neighbors=2)
    for name, value in setting.items():  # past the checks of types that tests have
        setattr(selector, name, value)
    with pytest.raises(ValueError, match=message):
        selector.setup(pool_of(E14_COSINES), 4)


def test_learning_a_weight_refuses_what_takes_too_much_memory():
    size, classes = 2**21, 1000
    labels = np.arange(size) % classes
    selector = DensityConsistency(fusion="learned")
    with pytest.raises(ValueError, match="8,388,608,000 bytes"):
        selector.setup(pool_of(np.linspace(0, 1, size), labels), 4)


def test_a_score_that_tells_no_samples_apart_is_refused():
    with pytest.raises(ValueError, match="has the value 0.5 for all samples"):
        set_up([0.5] * 6)


def test_one_minus_keep_can_be_held_out():
    """1 - 0.9 is a little less than 0.1 in floats."""
    set_up(np.arange(10), labels=np.arange(10) % 2, fusion="learned", keep=0.9, held_out=0.1)


def test_held_out_leaves_room_for_what_is_kept():
    with pytest.raises(ValueError, match="at most 1 - keep = 0.1, got 0.2"):
        set_up(np.arange(10), labels=np.arange(10) % 2, fusion="learned", keep=0.9, held_out=0.2)
