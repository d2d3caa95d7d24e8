"""What looks report beside the signals of training, sample by sample whatever the batches."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import nn

from hf_dynsel import Sweep
from hf_dynsel.per_sample import PerSample
from hf_dynsel.sweep import Sweeper, read_by
from hf_dynsel.sweep_signals import gap

FEATURES = torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]])
LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 3.0, 0.0]])
LABELS = [0, 1, 0]


class Head(nn.Module):
    """A linear layer that turns E19's features into its logits."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 3)
        solved = torch.linalg.solve(torch.cat([FEATURES, torch.ones(3, 1)], dim=1), LOGITS)
        with torch.no_grad():
            self.linear.weight.copy_(solved[:2].T)
            self.linear.bias.copy_(solved[2])

    def forward(self, x, labels=None):
        logits = self.linear(x)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


def collate(samples):
    return {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}


def shown(model, rows, names, batch_size):
    dataset = Dataset.from_dict(rows).with_format("torch")
    wanted = Sweep(np.arange(len(dataset)), frozenset(names))
    sweeper = Sweeper(dataset, collate, batch_size, quiet=True)
    return sweeper(model, wanted, read_by(wanted, model, None), lambda inputs: inputs["labels"])


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_worked_numbers_do_not_depend_on_the_batches(batch_size):
    """E19. In batches of two, a mean-reduced loss would give .140010, 1.0 and 4.295015.

    The head is the whole model, so that its gradient is the exact one.
    """
    names = {"el2n", "entropy", "grand", "grand_exact", "gap"}
    found = shown(Head(), {"x": FEATURES.tolist(), "labels": LABELS}, names, batch_size)
    assert found.keys() == names
    expected = {
        "el2n": [0.198004, 0.816497, 1.358203],
        "entropy": [0.524267, 1.098612, 0.274313],
        "grand": [0.280020, 2.0, 4.295015],
        "grand_exact": [0.280020, 2.0, 4.295015],
        "gap": [0.729600, 0.0, 0.889627],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=2e-6, err_msg=name)


def test_probabilities_and_errors_differ_by_the_label():
    names = {"probabilities", "error", "features"}
    found = shown(Head(), {"x": FEATURES.tolist(), "labels": LABELS}, names, 2)
    np.testing.assert_allclose(found["probabilities"], LOGITS.softmax(1), atol=1e-6)
    np.testing.assert_allclose(
        found["probabilities"] - found["error"], np.eye(3)[LABELS], atol=1e-6
    )
    np.testing.assert_array_equal(found["features"], FEATURES)


def test_one_class_is_always_sure():
    assert gap(torch.tensor([[3.0], [-2.0]])).tolist() == [1, 1]


@pytest.mark.parametrize("name", ["error", "probabilities", "gap", "grand", "grand_exact"])
def test_other_tasks_are_refused_by_name(name):
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 3)

        def forward(self, x, labels=None):
            return {"logits": self.linear(x[:, None].expand(-1, 4, -1))}

    rows = {"x": FEATURES.tolist(), "labels": [[0, 1, 2, 0]] * 3}
    with pytest.raises(ValueError, match=f"the signal '{name}' needs one class per sample; logits"):
        shown(Tokens(), rows, {name}, 2)


def test_the_readers_of_training_are_not_asked_for_what_only_looks_have():
    wanted = Sweep(np.arange(2), frozenset({"loss", "features", "grand_exact", "probabilities"}))
    assert isinstance(read := read_by(wanted, Head(), None), PerSample)
    assert set(read.names) == {"loss"}
