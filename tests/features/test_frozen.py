import pytest
import torch
from torch import nn

from hf_dynsel.features.frozen import frozen


def test_every_part_gets_its_own_mode_back():
    """A batch norm that was frozen for fine-tuning stays so."""
    module = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2))
    module[1].eval()
    with frozen(module):
        assert not any(part.training for part in module.modules())
    assert [part.training for part in module.modules()] == [True, True, False]


def test_the_mode_comes_back_after_an_error():
    module = nn.Dropout()
    with pytest.raises(KeyboardInterrupt), frozen(module):
        raise KeyboardInterrupt
    assert module.training


def test_no_gradient_is_recorded():
    layer = nn.Linear(2, 1)
    with frozen(layer):
        assert not layer(torch.ones(1, 2)).requires_grad
    assert layer(torch.ones(1, 2)).requires_grad


def test_the_network_is_on_the_device_for_the_block_and_then_at_home():
    layer = nn.Linear(2, 1).double()
    seen = []
    layer.register_forward_pre_hook(lambda *_: seen.append(layer.weight.device))
    with frozen(layer, torch.device("cpu")):
        layer(torch.ones(1, 2).double())
    assert seen == [torch.device("cpu")]
    assert layer.weight.device == torch.device("cpu")
