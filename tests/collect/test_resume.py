"""A run that is interrupted and resumed gives the scores of one that was not."""

import pytest
import torch

from collect_kit import every_score, require_same, trainer_of
from conftest import table
from hf_dynsel.collect import CollectScores
from hf_dynsel.scores.aum import AUM
from hf_dynsel.selectors import DensityConsistency
from sweep_kit import scored
from test_trainer_resume import Stop, StoppingTrainer

SAVING = {"save_strategy": "steps", "save_steps": 1, "cls": StoppingTrainer}
WHOLE = 4 * 7  # micro-batches


def started(folder, collect, **changes):
    torch.manual_seed(3)
    return trainer_of(folder, collect, **(SAVING | changes))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder, collect = tmp_path_factory.mktemp("whole"), CollectScores(every_score(), vectors=True)
    started(folder, collect).train()
    return folder, collect.add_to(table(26), label="labels")


@pytest.mark.parametrize("stop", [3, 7, 8, 16, WHOLE - 1])
def test_scores_go_on_where_they_stopped(stop, whole, tmp_path):
    """Inside the first epoch, around the first look, and up to the last batch."""
    trainer = started(tmp_path, CollectScores(every_score(), vectors=True))
    trainer.stop = stop
    with pytest.raises(Stop):
        trainer.train()
    collect = CollectScores(every_score(), vectors=True)
    started(tmp_path, collect).train(resume_from_checkpoint=True)
    require_same(collect.add_to(table(26), label="labels"), whole[1], rtol=1e-5, atol=1e-6)


def test_a_run_that_had_ended_looks_again(whole):
    folder, expected = whole
    collect = CollectScores(every_score(), vectors=True)
    trainer = started(folder, collect)
    trainer.train(resume_from_checkpoint=True)
    assert not trainer.trained
    require_same(collect.add_to(table(26), label="labels"), expected, rtol=1e-5, atol=1e-6)


def test_a_checkpoint_of_other_scores_or_none_is_refused(whole):
    folder, _ = whole
    with pytest.raises(ValueError, match="was written with selector.scores = "):
        started(folder, CollectScores([AUM()])).train(resume_from_checkpoint=True)
    with pytest.raises(ValueError, match="was written with selector = 'Collecting', but this run"):
        started(folder, None).train(resume_from_checkpoint=True)


def test_an_inner_selector_that_looks_goes_on_too(tmp_path):
    def begin(folder):
        collect = CollectScores(every_score())
        selector = DensityConsistency(neighbors=3, refresh="seen", augment=False)
        return collect, started(folder, collect, selector=selector, train_dataset=scored(28))

    collect, trainer = begin(tmp_path / "whole")
    trainer.train()
    stopped = begin(tmp_path / "stopped")[1]
    stopped.stop = 10
    with pytest.raises(Stop):
        stopped.train()
    again, resumed = begin(tmp_path / "stopped")
    resumed.train(resume_from_checkpoint=True)
    assert resumed.trained == trainer.trained[10:]
    expected = collect.add_to(scored(28), label="labels")
    require_same(again.add_to(scored(28), label="labels"), expected, rtol=1e-5, atol=1e-6)
