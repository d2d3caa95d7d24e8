"""Augmented and mixed images in two processes."""

import json
from itertools import groupby

import numpy as np
import pytest
import torch

from hf_dynsel import Pool
from hf_dynsel.selectors import InfoBatch
from image_kit import Seeing
from image_run import CASES, SHORT, run
from launching import once, torchrun
from precision_kit import observed
from test_mixing_training import mixed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def notes(tmp_path_factory, worker_id):
    """What both processes noted, by case."""
    folder = once(
        "images",
        lambda folder: torchrun(2, "image_run.py", str(folder)),
        tmp_path_factory,
        worker_id,
    )
    return {
        name: [json.loads((folder / f"{name}-{process}.json").read_text()) for process in (0, 1)]
        for name in CASES
    }


@pytest.mark.parametrize("name", ["augmented", "on_device", "decoded"])
def test_two_processes_augment_what_one_does(name, notes, tmp_path):
    weight = torch.tensor(notes[name][0]["weight"])
    torch.testing.assert_close(weight, run(name, tmp_path, 1).model.linear.weight.detach())


def test_mixed_batches_of_two_processes_train_by_soft_cross_entropy(notes):
    """Each process mixes its own three samples; one that fills up the last batch trains once."""
    net, selector = Seeing().double(), InfoBatch()
    selector.setup(Pool(SHORT), 4)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02)
    for epoch, batches in groupby(
        zip(*[n["trained"] for n in notes["mixed"]], strict=True), lambda pair: pair[0][0]
    ):
        selection, given, seen = selector.select(epoch), np.ones(SHORT), {}
        given[selection.indices] = 1 if selection.weights is None else selection.weights
        together = [[ids for _, ids in pair] for pair in batches]
        for start in range(0, len(together), 2):
            total, count = torch.zeros(()), 0
            for ids in sum(together[start : start + 2], []):
                images, targets = mixed(epoch, ids)
                losses = -targets.mul(net(images)["logits"].log_softmax(1)).sum(1)
                for row, loss in zip(ids, losses, strict=True):
                    if row not in seen:
                        seen[row] = np.float32(loss.item())
                        total, count = total + given[row] * loss, count + 1
            optimizer.zero_grad()
            (total / count).backward()
            optimizer.step()
        assert sorted(seen) == sorted(selection.indices)
        selector.observe(observed(epoch, seen))
    for note in notes["mixed"]:
        torch.testing.assert_close(
            torch.tensor(note["weight"]),
            net.linear.weight.detach().float(),
            atol=1e-5,
            rtol=1e-5,
        )
