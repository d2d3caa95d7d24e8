"""What the drivers share: epochs entered and left, costs counted, checkpoints of another split."""

import numpy as np
import pytest
import torch

from conftest import LossDriven, Sized
from hf_dynsel import Pool, Sweep
from hf_dynsel.progress import Progress
from hf_dynsel.run_length import RunLength
from hf_dynsel.steps import StepCounter
from test_objective import EvenOnly


def progress_of(selector, counter=None, epochs=2):
    pool = Pool(12)
    selector.setup(pool, epochs)
    return Progress(selector, pool, RunLength(selector, counter or StepCounter(4), epochs))


def test_leaving_an_epoch_counts_its_samples_once():
    progress = progress_of(Sized(sizes=(6, 8)))
    progress.enter(0)
    progress.sampler.feedback(torch.tensor(progress.sampler.order))
    progress.leave()
    progress.leave()
    assert progress.ledger.samples_per_epoch == [6]
    assert progress.ledger.samples_forwarded == 6


def test_samples_left_out_of_their_batch_are_forwarded_and_not_trained():
    """Of twelve, the five even rows below ten train: 12 + 5 went forward."""
    progress = progress_of(EvenOnly())
    progress.enter(0)
    ids = torch.tensor(progress.sampler.order)
    progress.sampler.feedback(ids, loss=torch.ones(12))
    progress.leave()
    assert progress.ledger.samples_per_epoch == [5]
    assert progress.ledger.samples_forwarded == 17
    assert progress.sampler.usage.tolist() == [1, 0] * 5 + [0, 0]


def test_an_epoch_that_fills_no_batch_is_refused():
    progress = progress_of(Sized(sizes=(3, 8)), StepCounter(4, drop_last=True))
    with pytest.raises(ValueError, match="epoch 0 selects 3 samples, less than one batch of 4"):
        progress.enter(0)


class LooksLast(Sized):
    """Wants three samples of the trained model."""

    def sweep(self, epoch):
        return Sweep(np.arange(3), frozenset({"loss"})) if epoch == self.num_epochs else None

    def observe(self, feedback):
        self.told = [*getattr(self, "told", []), feedback]


def test_the_end_of_a_run_is_looked_at_after_its_last_report_and_counted():
    progress, asked = progress_of(LooksLast(sizes=(6, 8))), []

    def look(wanted):
        asked.append(wanted.indices.tolist())
        return {"loss": np.ones(len(wanted.indices), np.float32)}

    for epoch in range(2):
        progress.enter(epoch, look=look)
        progress.sampler.feedback(torch.tensor(progress.sampler.order))
    assert asked == [[0]]  # what cannot be reported is found before any training
    progress.finish(look)
    assert asked == [[0], [0, 1, 2]]
    told = [(report.epoch, report.swept) for report in progress.selector.told]
    assert told == [(0, False), (1, False), (2, True)]
    assert progress.ledger.samples_swept == 3
    assert progress.ledger.sweeps == [{}]


def test_all_that_looks_want_is_tried_on_one_sample_before_training():
    class Both(LooksLast):
        def sweep(self, epoch):
            own = {1: {"features"}, 2: {"error"}}.get(epoch)
            return Sweep(np.arange(12), frozenset(own)) if own else None

    progress, asked = progress_of(Both(sizes=(6, 8))), []
    progress.enter(0, look=lambda wanted: asked.append(wanted) or {})
    assert [(w.indices.tolist(), w.signals) for w in asked] == [([0], {"features", "error"})]


@pytest.mark.parametrize(
    ("there", "here", "batches"),
    [
        (StepCounter(1, 2, 2), StepCounter(4), 1),
        (StepCounter(1, 2, 2), StepCounter(1, 1, 4), 4),
        (StepCounter(4), StepCounter(1, 2, 2), 2),
    ],
    ids=["one process", "smaller batches", "two processes"],
)
def test_a_checkpoint_is_resumed_with_the_step_split_otherwise(there, here, batches, tmp_path):
    """After one optimizer step of four samples, whatever they were split into."""
    written = progress_of(Sized(sizes=(12, 12)), there)
    written.enter(0, there.accumulation)
    written.save(tmp_path, "data", main=True)
    assert progress_of(Sized(sizes=(12, 12)), here).load(tmp_path, "data") == (0, batches)


def test_another_number_of_samples_per_step_is_refused_with_both(tmp_path):
    written = progress_of(Sized(sizes=(12, 12)), StepCounter(4))
    written.save(tmp_path, "data", main=True)
    with pytest.raises(ValueError, match="4 samples per optimizer step, but this run has 6: per_"):
        progress_of(Sized(sizes=(12, 12)), StepCounter(3, 2)).load(tmp_path, "data")


def test_a_finished_epoch_is_followed_by_the_next(tmp_path):
    written = progress_of(LossDriven(), StepCounter(4))
    written.enter(0, batches=2)
    written.save(tmp_path, "data", main=True)
    assert progress_of(LossDriven(), StepCounter(4)).load(tmp_path, "data") == (1, 0)


def test_only_the_main_process_writes(tmp_path):
    progress_of(LossDriven()).save(tmp_path / "checkpoint", "data", main=False)
    assert not (tmp_path / "checkpoint").exists()
