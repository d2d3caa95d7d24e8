import pytest
import torch
from torch import nn

from hf_dynsel.features.checkpoint import hash_weights, match_tensors

BODY, HEAD = torch.zeros(3, 2), torch.zeros(5, 3)
FULL = {"body": BODY, "head": HEAD}
HEADLESS = {"body": BODY}


def test_tensors_fit_by_name_in_any_order():
    given = {"head": torch.ones(7, 3), "body": torch.ones(3, 2)}
    assert match_tensors(given, FULL, HEADLESS) == {"body": given["body"]}


def test_a_checkpoint_without_a_head_fits():
    given = {"body": torch.ones(3, 2)}
    assert match_tensors(given, FULL, HEADLESS) == given


def test_tensors_with_other_names_fit_in_order():
    given = {"stem.w": torch.ones(3, 2), "fc.w": torch.ones(5, 3)}
    assert match_tensors(given, FULL, HEADLESS) == {"body": given["stem.w"]}


def test_other_shapes_in_order_are_refused():
    given = {"fc.w": torch.ones(5, 3), "stem.w": torch.ones(3, 2)}
    with pytest.raises(ValueError, match=r"lacking: body; surplus: fc.w, stem.w"):
        match_tensors(given, FULL, HEADLESS)


def test_a_deeper_network_is_refused_though_it_has_every_name():
    given = {"body": torch.ones(3, 2), "body2": torch.ones(3, 3), "head": torch.ones(5, 3)}
    with pytest.raises(ValueError, match=r"lacking: none; surplus: body2"):
        match_tensors(given, FULL, HEADLESS)


def layer(*, seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Module:
    batch_norm = nn.BatchNorm1d(2)  # has a scalar buffer
    weights = torch.randn(2, generator=torch.Generator().manual_seed(seed))
    batch_norm.weight.data = weights
    return batch_norm.to(dtype)


def test_one_set_of_weights_has_one_hash():
    assert hash_weights(layer()) == hash_weights(layer())


def test_other_values_and_other_types_have_another_hash():
    hashes = {
        hash_weights(layer()),
        hash_weights(layer(seed=1)),
        hash_weights(layer(dtype=torch.bfloat16)),
    }
    assert len(hashes) == 3


def test_skipped_tensors_do_not_count():
    assert hash_weights(layer(), skip={"weight"}) == hash_weights(layer(seed=1), skip={"weight"})
