"""The blend of both papers: RepDiv on scores times consistency, sparse samples augmented."""

import numpy as np
import pytest

from hf_dynsel import Feedback, Pool
from hf_dynsel.selectors import RepDiv, RepDivConsistency

REP = np.array([1.0, 0.8, 0.5, 0.4, 0.2, 0.0])
DIV = np.array([0.0, 0.1, 0.3, 0.5, 0.9, 1.0])
CONSISTENCY = np.array([1.0, 0.0, 1.0, 0.5, 1.0, 0.5])


def pool(consistency=CONSISTENCY, rep=REP, div=DIV):
    scores = {"representativeness": rep, "diversity": div, "consistency": consistency}
    return Pool(len(rep), scores, np.arange(len(rep)) % 2)


def set_up(epochs=10, **settings):
    selector = RepDivConsistency(**({"keep": 0.5, "neighbors": 1, "quota": "none"} | settings))
    selector.setup(pool(), epochs)
    return selector


def rollout(selector, epochs=10):
    chosen = []
    for epoch in range(epochs):
        if (wanted := selector.sweep(epoch)) is not None:
            seen = {"features": np.cos(np.outer(wanted.indices + 1.0, [1.7, epoch + 0.3]))}
            selector.observe(Feedback(epoch, wanted.indices, seen, swept=True))
        chosen.append(selector.select(epoch).indices)
        selector.observe(Feedback(epoch, chosen[-1], {}))
    return [indices.tolist() for indices in chosen]


def test_it_selects_as_rep_div_on_multiplied_scores():
    """Consistency is scaled to [0, 1] already, so the products are those of the columns."""
    product = RepDiv(keep=0.5, quota="none")
    product.setup(pool(rep=REP * CONSISTENCY, div=DIV * CONSISTENCY), 10)
    assert rollout(set_up()) == rollout(product)


def test_an_inconsistent_sample_is_left_out_however_representative():
    assert 1 not in set_up(penalty=0.0).select(0).indices


def test_the_sparsest_of_the_selected_are_marked():
    selector = set_up(augment=0.34)
    selector.distances[:] = [5, 9, 1, 2, 8, 3]
    selection = selector.select(1)
    assert selection.augment.sum() == 1
    marked = selection.indices[selection.augment]
    assert marked == selection.indices[np.argmax(selector.distances[selection.indices])]


def test_it_looks_from_the_second_epoch_to_the_refinement():
    selector = set_up(refine=0.2)
    assert [epoch for epoch in range(10) if selector.sweep(epoch)] == list(range(1, 8))
    assert selector.select(0).augment is None and selector.select(9).augment is None


def test_without_augmentation_it_never_looks():
    selector = set_up(augment=0.0)
    assert not selector.augments() and not any(selector.sweep(epoch) for epoch in range(10))


def test_a_restored_usage_is_seen_by_the_selection():
    first, second = set_up(), set_up()
    rollout(first, 4)
    second.load_state_dict({name: array.copy() for name, array in first.state_dict().items()})
    assert second.usage.sum() == 4 * 3
    for epoch in range(4, 8):
        assert first.select(epoch).indices.tolist() == second.select(epoch).indices.tolist()
        for selector in (first, second):
            selector.observe(Feedback(epoch, selector.select(epoch).indices, {}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"augment": 1.5}, "augment must be in"),
        ({"consistency": "clip"}, "no score column 'clip'"),
        ({"representativeness": None, "diversity": None}, "multiplies nothing"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        set_up(**settings)


def test_a_constant_consistency_is_refused():
    with pytest.raises(ValueError, match="has the value 0.5 for all samples"):
        RepDivConsistency(neighbors=1).setup(pool(np.full(6, 0.5)), 10)
