"""What processes tell each other, with threads in the place of processes."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate.data_loader import BatchSamplerShard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch.utils.data import BatchSampler

from hf_dynsel import distributed
from hf_dynsel.distributed import (
    from_main,
    gather_rows,
    not_padding,
    only_main,
    require_agreement,
    total,
)


class Group:
    """So many threads that gather as processes do."""

    def __init__(self, count):
        self.count, self.own, self.slots = count, local(), [None] * count
        self.barrier = Barrier(count, timeout=20)  # seconds

    def state(self):
        cpu = torch.device("cpu")
        return SimpleNamespace(
            num_processes=self.count,
            process_index=self.own.index,
            is_main_process=self.own.index == 0,
            device=cpu,
            wait_for_everyone=self.barrier.wait,
        )

    def gather(self, tensor):
        self.slots[self.own.index] = tensor
        self.barrier.wait()
        every = torch.cat(self.slots)
        self.barrier.wait()
        return every

    def broadcast(self, tensor):
        return self.gather(tensor[None])[0]

    def pad(self, tensor, dim, pad_index=0):
        longest = self.gather(torch.tensor([len(tensor)])).max()
        padding = tensor.new_full((int(longest) - len(tensor), *tensor.shape[1:]), pad_index)
        return torch.cat([tensor, padding])

    def run(self, work):
        def of_process(index):
            self.own.index = index
            return work(index)

        with ThreadPoolExecutor(self.count) as threads:
            return list(threads.map(of_process, range(self.count)))


@pytest.fixture
def group_of(monkeypatch):
    def make(count):
        group = Group(count)
        monkeypatch.setattr(distributed, "PartialState", group.state)
        monkeypatch.setattr(distributed, "gather", group.gather)
        monkeypatch.setattr(distributed, "broadcast", group.broadcast)
        monkeypatch.setattr(distributed, "pad_across_processes", group.pad)
        return group

    return make


repeated = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@repeated
@given(st.lists(st.integers(0, 5), min_size=2, max_size=4).filter(any))
@example([0, 3])
def test_rows_of_all_processes_come_in_process_order_without_padding(group_of, counts):
    ids = torch.arange(sum(counts)).split(counts)
    features = [torch.stack([own * 0.5, own * -2.0], dim=1) for own in ids]
    group = group_of(len(counts))
    for found in group.run(lambda i: gather_rows({"indices": ids[i], "features": features[i]})):
        assert torch.equal(found["indices"], torch.arange(sum(counts)))
        assert torch.equal(found["features"], torch.cat(features))


def test_rows_are_gathered_by_name_in_whatever_order_each_process_has_them(group_of):
    def of_process(index):
        row = torch.tensor([float(index)])
        own = {"correct": row, "margin": row + 10}
        return gather_rows(own if index == 0 else dict(reversed(own.items())))

    for found in group_of(2).run(of_process):
        assert found["correct"].tolist() == [0, 1]
        assert found["margin"].tolist() == [10, 11]


def test_large_ids_are_gathered_exactly(group_of):
    ids = [torch.tensor([2**53 + 1]), torch.tensor([2**62 + 3, 7])]
    for found in group_of(2).run(lambda i: gather_rows({"indices": ids[i]})):
        assert found["indices"].tolist() == [2**53 + 1, 2**62 + 3, 7]


def test_a_number_is_summed_over_the_processes(group_of):
    assert group_of(3).run(lambda i: total(torch.tensor(i + 1)).item()) == [6, 6, 6]


@repeated
@given(st.integers(1, 40), st.integers(1, 5), st.integers(2, 4), st.booleans())
@example(1, 4, 4, False)
@example(5, 2, 4, True)
def test_every_sample_left_counts_once_and_padding_never(
    group_of, samples, batch_size, count, dispatched
):
    """The last batches as Accelerate makes them, for any size, batch and number of processes."""
    order = np.random.default_rng(samples).permutation(100)[:samples]
    rest = order[(samples - 1) // (batch_size * count) * batch_size * count :]
    last = (dispatched_parts if dispatched else sharded_parts)(order, batch_size, count)
    masks = group_of(count).run(lambda i: not_padding(torch.from_numpy(last[i]), rest))
    counted = np.concatenate([own[mask.numpy()] for own, mask in zip(last, masks, strict=True)])
    assert sorted(counted) == sorted(rest)


def sharded_parts(order, batch_size, count):
    batches = BatchSampler(order.tolist(), batch_size, drop_last=False)
    return [np.array(list(BatchSamplerShard(batches, count, i))[-1]) for i in range(count)]


def dispatched_parts(order, batch_size, count):
    """As `DataLoaderDispatcher` cuts its last batch, completed by samples of the first."""
    together = batch_size * count
    rest = order[(len(order) - 1) // together * together :]
    each = -(-len(rest) // count)
    return np.split(np.resize(np.append(rest, order[:count]), each * count), count)


def test_processes_that_agree_go_on(group_of):
    assert group_of(2).run(lambda i: require_agreement("ab" * 32, 3)) == [None, None]


def test_every_process_is_told_who_disagrees(group_of):
    def compare(index):
        with pytest.raises(RuntimeError) as raised:
            require_agreement(("ab" if index != 1 else "cd") * 32, 3)
        return str(raised.value)

    for message in group_of(3).run(compare):
        assert "in epoch 3 the processes [1] selected other samples than process 0" in message


def test_one_process_asks_nobody():
    rows = {"indices": torch.tensor([4, 2])}
    assert gather_rows(rows) is rows
    assert total(torch.tensor(5)).item() == 5
    require_agreement("ab" * 32, 0)


def test_in_work_of_the_main_process_nothing_waits_for_the_others(group_of):
    """The others are not there to answer: a gathering of two threads would time out."""
    group, found = group_of(2), []

    def work():
        found.append((total(torch.tensor([3])), gather_rows({"x": torch.tensor([1])})["x"]))
        only_main(lambda: found.append(from_main(lambda: "own")))

    def of_process(index):
        only_main(work)

    group.run(of_process)
    assert [value.tolist() for value in found[0]] == [[3], [1]] and found[1:] == ["own"]


@pytest.mark.parametrize("text", ["", "ü and more"])
def test_a_text_of_the_main_process_reaches_all(group_of, text):
    def of_process(index):
        return from_main(lambda: text if index == 0 else "another")

    assert group_of(3).run(of_process) == [text] * 3
