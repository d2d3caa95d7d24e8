"""The sampler shuffles what a selector chose, and hands it the feedback of whole epochs."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader

from conftest import LossDriven, Sized
from hf_dynsel.core import Feedback, Pool, Selection, Selector
from hf_dynsel.sampler import SelectionSampler


@dataclass
class Told(Selector):
    """Selects what it is told to, and notes the feedback it gets."""

    epochs: tuple[Selection, ...] = ()
    heard: list[Feedback] = field(init=False, repr=False)

    def allocate(self) -> None:
        self.heard = []

    def select(self, epoch: int) -> Selection:
        return self.epochs[epoch]

    def observe(self, feedback: Feedback) -> None:
        self.heard.append(feedback)

    def state_dict(self):
        return {}


class Weighing(Told):
    """Weighs a sample by its loss, in batches whose losses add up to at least ten."""

    def weigh(self, feedback: Feedback):
        losses = feedback.signals["loss"]
        return losses.astype(np.float64) if losses.sum() >= 10 else None


def picks(*epochs, cls=Told, size=8):
    chosen = tuple(e if isinstance(e, Selection) else Selection(np.array(e)) for e in epochs)
    return SelectionSampler(cls(epochs=chosen), Pool(size), len(chosen))


def ids(*values):
    return torch.tensor(values)


def test_an_epoch_yields_exactly_the_selection():
    sampler = picks([6, 1, 3], [0, 2])
    assert (sorted(sampler), len(sampler)) == ([1, 3, 6], 3)
    sampler.set_epoch(1)
    assert (sorted(sampler), len(sampler)) == ([0, 2], 2)


def test_every_iterator_starts_anew():
    sampler = picks(range(8))
    first = iter(sampler)
    next(first)
    assert iter(sampler) is not first
    assert list(sampler) == list(sampler)
    assert len([*first]) == 7


def test_an_iterator_taken_twice_ends():
    """Torch's batch sampler calls `iter` on what `iter` returned."""
    sampler = picks(range(7))
    batches = list(BatchSampler(sampler, 3, drop_last=False))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert sum(batches, []) == list(sampler) == list(iter(iter(sampler)))


def test_a_loader_built_once_follows_the_epochs():
    sampler = picks([6, 1, 3], [0, 2, 4, 5, 7])
    loader = DataLoader(range(8), batch_size=2, sampler=sampler)
    assert sorted(torch.cat([*loader]).tolist()) == [1, 3, 6]
    assert len(loader) == 2
    sampler.set_epoch(1)
    assert sorted(torch.cat([*loader]).tolist()) == [0, 2, 4, 5, 7]
    assert len(loader) == 3


def test_samples_are_plain_integers():
    assert {type(index) for index in picks(range(4))} == {int}


def test_the_order_depends_on_the_seed_and_the_epoch():
    def order(seed, epoch):
        sampler = SelectionSampler(Told(seed, (Selection(np.arange(50)),) * 2), Pool(50), 2)
        sampler.set_epoch(epoch)
        return tuple(sampler)

    assert len({order(seed, epoch) for seed in (0, 1) for epoch in (0, 1)}) == 4
    assert order(0, 1) == order(0, 1)


class Drawn(Told):
    """Selects everything, in an order drawn from the epoch's first stream."""

    def select(self, epoch):
        return Selection(self.rng(epoch).permutation(self.pool.size))


def test_the_order_is_not_drawn_from_the_numbers_that_chose():
    """The same numbers again would apply the permutation to itself."""
    sampler = SelectionSampler(Drawn(), Pool(24), 1)
    chosen = sampler.selection.indices
    assert sorted(sampler) == sorted(chosen)
    assert list(sampler) not in (chosen.tolist(), chosen[chosen].tolist())


def test_drawing_touches_no_global_generator():
    before = (torch.get_rng_state(), np.random.get_state()[1].copy())
    sampler = picks(range(8), range(8))
    list(sampler)
    sampler.set_epoch(1)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


def test_the_same_epoch_set_again_changes_nothing():
    """`Trainer` and Accelerate both set it; feedback of the running epoch stays pending."""
    sampler = picks([6, 1, 3], [0, 2])
    sampler.feedback(ids(6, 1), loss=torch.ones(2))
    before = list(sampler)
    sampler.set_epoch(0)
    sampler.set_epoch(0)
    assert list(sampler) == before
    assert sampler.selector.heard == []
    assert sampler.pending()["indices"].tolist() == [6, 1]


def test_going_back_to_an_epoch_gives_the_same_order():
    sampler = SelectionSampler(Sized(sizes=(20, 20, 20)), Pool(24), 3)
    orders = []
    for epoch in (0, 1, 2, 0, 1, 2):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[:3] == orders[3:]


def test_an_epoch_is_reported_once_sorted_and_without_repeats():
    """`even_batches` fills the last batch with samples trained before."""
    sampler = picks([6, 1, 3], [0, 2])
    sampler.feedback(ids(6, 1), loss=torch.tensor([0.6, 0.1]))
    sampler.feedback(ids(3, 6), loss=torch.tensor([0.3, 0.7]))
    sampler.set_epoch(1)
    (heard,) = sampler.selector.heard
    assert (heard.epoch, heard.indices.tolist()) == (0, [1, 3, 6])
    assert heard.signals["loss"].tolist() == pytest.approx([0.1, 0.3, 0.7])
    assert sampler.usage.tolist() == [0, 1, 0, 1, 0, 0, 1, 0]
    assert sampler.pending() == {}


def test_usage_counts_epochs_and_only_what_was_trained():
    sampler = picks([6, 1, 3], [6, 1], [6])
    for epoch in range(3):
        sampler.set_epoch(epoch)
        sampler.feedback(ids(6))
    assert sampler.usage.tolist() == [0, 0, 0, 0, 0, 0, 2, 0]
    sampler.commit()
    assert sampler.usage[6] == 3


def test_the_order_and_split_of_batches_do_not_matter():
    def heard(*batches):
        sampler = picks([6, 1, 3], [0])
        for batch in batches:
            sampler.feedback(ids(*batch), loss=torch.tensor(batch) / 10)
        return sampler.commit()

    one, other = heard((6, 1, 3)), heard((3,), (1, 6))
    assert np.array_equal(one.indices, other.indices)
    assert np.array_equal(one.signals["loss"], other.signals["loss"])


def test_without_feedback_there_is_nothing_to_commit():
    sampler = picks([1], [2])
    assert sampler.commit() is None
    sampler.set_epoch(1)
    assert sampler.selector.heard == []


def test_a_second_commit_reports_nothing_twice():
    sampler = picks([1], [2])
    sampler.feedback(ids(1))
    assert sampler.commit().indices.tolist() == [1]
    assert sampler.commit() is None
    assert sampler.usage.tolist() == [0, 1, 0, 0, 0, 0, 0, 0]


def test_signals_keep_their_shape_and_lose_their_gradient():
    sampler = picks([1, 2])
    features = torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True)
    sampler.feedback(ids(1, 2), features=features)
    assert not sampler.pending()["features"].requires_grad
    found = sampler.commit().signals["features"]
    assert (found.shape, found.dtype) == ((2, 3), np.float32)


def test_feedback_of_all_processes_is_committed():
    def gather(own):
        other = {"indices": ids(4), "loss": torch.tensor([0.4])}
        return {name: torch.cat([rows, other[name]]) for name, rows in own.items()}

    selector = Told(epochs=(Selection(np.array([6, 4])),))
    sampler = SelectionSampler(selector, Pool(8), 1, gather=gather)
    sampler.feedback(ids(6), loss=torch.tensor([0.6]))
    assert sampler.commit().indices.tolist() == [4, 6]
    assert sampler.usage.tolist() == [0, 0, 0, 0, 1, 0, 1, 0]


def test_ids_beyond_float32_reach_the_selector():
    size = 2**24 + 4
    far = [2**24 + 1, 2**24 + 3]
    sampler = picks(Selection(np.array(far), np.array([2.0, 3.0])), size=size)
    assert sorted(sampler) == far
    assert sampler.feedback(torch.tensor(far)).tolist() == [2.0, 3.0]
    heard = sampler.commit()
    assert (heard.indices.tolist(), heard.indices.dtype) == (far, np.int64)
    assert np.flatnonzero(sampler.usage).tolist() == far


def test_each_sample_gets_its_own_weight():
    sampler = picks(Selection(np.array([6, 1, 3]), np.array([0.6, 0.1, 0.3])), [0, 2])
    assert sampler.weighted
    assert sampler.feedback(ids(3, 6)).tolist() == pytest.approx([0.3, 0.6])
    sampler.set_epoch(1)
    assert not sampler.weighted
    assert sampler.feedback(ids(2, 0)) is None


def test_weights_found_in_the_batch_multiply_those_of_the_epoch():
    chosen = Selection(np.array([6, 1]), np.array([0.5, 2.0]))
    sampler = picks(chosen, [6, 1], cls=Weighing)
    assert sampler.weighted
    assert sampler.feedback(ids(1, 6), loss=torch.tensor([7.0, 3.0])).tolist() == [14.0, 1.5]
    assert sampler.feedback(ids(1, 6), loss=torch.tensor([1.0, 3.0])).tolist() == [2.0, 0.5]
    sampler.set_epoch(1)
    assert sampler.weighted
    weights = sampler.feedback(ids(1, 6), loss=torch.tensor([7.0, 3.0]))
    assert (weights.tolist(), weights.dtype) == ([7.0, 3.0], torch.float32)
    assert sampler.feedback(ids(1, 6), loss=torch.tensor([1.0, 3.0])) is None


def snapshot(sampler):
    """A state as a checkpoint would hold it: nothing shared with the running sampler."""
    state = sampler.state_dict()
    copied = {name: value.clone() for name, value in state.pop("pending").items()}
    parts = {p: {n: np.array(a) for n, a in state[p].items()} for p in ("selector", "sampler")}
    return {"epoch": state["epoch"], "pending": copied, **parts}


def loss_driven():
    return SelectionSampler(LossDriven(), Pool(9), 4)


def train(sampler, batches, state_after=None):
    """Four epochs of two batches each; returns the orders and the state after some batch."""
    orders, state = [], None
    for count in range(batches, 8):
        epoch, half = divmod(count, 2)
        sampler.set_epoch(epoch)
        order = list(sampler)
        batch = ids(*order[3 * half : 3 * half + 3])
        weights = sampler.feedback(batch, loss=torch.sin(batch * 1.0 + epoch))
        orders.append((order, weights.tolist()))
        if count + 1 == state_after:
            state = snapshot(sampler)
    sampler.commit()
    return orders, state


@pytest.mark.parametrize("stop", range(1, 8))
def test_a_run_restored_after_any_batch_goes_on_as_if_it_had_not_stopped(stop):
    whole = loss_driven()
    orders, state = train(whole, 0, state_after=stop)
    restored = loss_driven()
    restored.load_state_dict(state)
    rest, _ = train(restored, stop)
    assert rest == orders[stop:]
    assert np.array_equal(restored.usage, whole.usage)
    assert np.array_equal(restored.selector.losses, whole.selector.losses)
    assert np.array_equal(restored.previous, whole.previous)


def test_restoring_restores_the_selection_that_is_running():
    sampler = picks([6, 1, 3], [0, 2])
    sampler.set_epoch(1)
    restored = picks([6, 1, 3], [0, 2])
    restored.load_state_dict(snapshot(sampler))
    assert list(restored) == list(sampler)
    assert restored.previous.tolist() == [1, 3, 6]
    fresh = picks([6, 1, 3], [0, 2])
    restored.load_state_dict(snapshot(fresh))
    assert (restored.epoch, restored.previous) == (0, None)


def test_a_state_does_not_change_afterwards():
    sampler = loss_driven()
    state = sampler.state_dict()
    train(sampler, 0)
    assert state["sampler"]["usage"].sum() == 0
    assert (state["selector"]["losses"] == 9).all()


def test_feedback_restored_from_a_file_joins_that_of_the_device_in_use():
    """What is loaded lies on the host; the batches that follow may not."""
    sampler = picks([6, 1, 3])
    sampler.feedback(ids(6, 1), loss=torch.ones(2))
    restored = picks([6, 1, 3])
    restored.load_state_dict(snapshot(sampler))
    restored.feedback(ids(3).to("meta"), loss=torch.ones(1, device="meta"))
    assert len(restored.pending()["loss"]) == 3


def test_the_hash_tells_samples_order_and_weights_apart():
    half = np.array([0.5, 0.5, 0.5])
    selections = [
        Selection(np.array([6, 1, 3])),
        Selection(np.array([6, 1, 4])),
        Selection(np.array([1, 6, 3])),
        Selection(np.array([6, 1, 3]), half),
        Selection(np.array([6, 1, 3]), half * [1, 1, 2]),
    ]
    hashes = [picks(selection).selection_hash() for selection in selections]
    assert len(set(hashes)) == 5
    assert hashes == [picks(selection).selection_hash() for selection in selections]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (
            Selection(np.array([1, 8])),
            "Told.select.0. chose row 8, but the pool has the rows 0 to 7",
        ),
        (Selection(np.array([-1, 2])), "chose row -1, but the pool has the rows 0 to 7"),
        (Selection(np.array([5, 2, 5])), "chose row 5 2 times; once at most"),
    ],
    ids=["beyond", "negative", "twice"],
)
def test_rows_that_cannot_be_trained_are_refused(selection, message):
    with pytest.raises(ValueError, match=message):
        picks(selection)


@pytest.mark.parametrize("name", ["weights", "augment"])
def test_one_value_is_needed_for_each_sample(name):
    values = {"weights": np.ones(3), "augment": np.ones(3, bool)}[name]
    selection = Selection(np.array([1, 2]))
    object.__setattr__(selection, name, values)  # past the type checker of the test run
    with pytest.raises(ValueError, match=f"gave 3 {name} for 2 samples; give one each"):
        picks(selection)


def test_a_later_epoch_is_checked_when_it_starts():
    sampler = picks([1], [9])
    with pytest.raises(ValueError, match=r"Told.select\(1\) chose row 9"):
        sampler.set_epoch(1)
