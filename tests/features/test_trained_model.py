import numpy as np
import pytest
import torch
from datasets import Dataset
from torch import nn
from transformers import (
    RobertaConfig,
    RobertaForSequenceClassification,
    TimmWrapperConfig,
    TimmWrapperForImageClassification,
)

from hf_dynsel.features import TrainedModel, cached, extract


class Net(nn.Module):
    """Defines its head before its body, and has dropout, so that order and mode show."""

    def __init__(self, seed: int = 0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.head = nn.Linear(3, 2)
            self.body = nn.Linear(4, 3)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.dropout(self.body(x).relu()))


def stack_x(rows):
    return {"x": torch.tensor([row["x"] for row in rows])}


def ids(rows):
    tokens = torch.tensor([row["tokens"] for row in rows])
    return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}


def pixel_values(rows):
    return {"pixel_values": torch.tensor([row["image"] for row in rows])}


def table(column: str, *shape: int) -> Dataset:
    values = np.random.default_rng(0).random((6, *shape), dtype=np.float32)
    return Dataset.from_dict({column: values.tolist(), "name": list("abcdef")})


def values(extracted: Dataset) -> np.ndarray:
    return extracted.with_format("numpy", columns=["features"])[:]["features"]


def test_features_are_what_the_head_receives(tmp_path):
    net, rows = Net(), table("x", 4)
    with torch.no_grad():
        expected = net.body(torch.tensor(rows["x"][:])).relu()
    got = extract(rows, TrainedModel(net, stack_x), cache_dir=tmp_path, batch_size=4)
    np.testing.assert_array_equal(values(got), expected)


def test_the_model_trains_on_as_before(tmp_path):
    net = Net()
    net.body.eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    extract(table("x", 4), TrainedModel(net, stack_x), cache_dir=tmp_path)
    assert (net.training, net.body.training, net.dropout.training) == (True, False, True)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not net.head._forward_pre_hooks
    assert not net.body._forward_pre_hooks
    net(torch.ones(1, 4)).sum().backward()
    assert net.body.weight.grad is not None


def test_a_training_step_misses_the_cache(tmp_path):
    net, rows = Net(), table("x", 4)
    backbone = TrainedModel(net, stack_x)
    extract(rows, backbone, cache_dir=tmp_path)
    assert cached(rows, backbone, tmp_path)
    with torch.no_grad():
        net.body.bias += 1
    assert not cached(rows, backbone, tmp_path)


def test_another_collate_function_misses_the_cache(tmp_path):
    rows = table("x", 4)
    extract(rows, TrainedModel(Net(), stack_x), cache_dir=tmp_path)
    doubled = TrainedModel(Net(), lambda rows: {"x": 2 * stack_x(rows)["x"]})
    assert not cached(rows, doubled, tmp_path)


def test_the_transform_of_the_dataset_is_applied_and_part_of_the_key(tmp_path):
    rows = table("raw", 4)
    once = rows.with_transform(lambda batch: {"x": batch["raw"]})
    twice = rows.with_transform(lambda batch: {"x": (2 * np.array(batch["raw"])).tolist()})
    net = Net()
    with torch.no_grad():
        expected = net.body(2 * torch.tensor(rows["raw"][:])).relu()
    extract(once, TrainedModel(net, stack_x), cache_dir=tmp_path)
    got = extract(twice, TrainedModel(net, stack_x), cache_dir=tmp_path)
    np.testing.assert_allclose(values(got.with_format(None)), expected, rtol=1e-6)


def test_the_collate_function_gets_the_columns_it_is_said_to_want(tmp_path):
    def only_x(rows):
        assert rows[0].keys() == {"x"}
        return stack_x(rows)

    extract(table("x", 4), TrainedModel(Net(), only_x, columns=["x"]), cache_dir=tmp_path)


def test_the_timm_wrapper_gives_its_pooled_features(tmp_path):
    config = TimmWrapperConfig(architecture="test_resnet", num_labels=3)
    model = TimmWrapperForImageClassification(config)
    rows = table("image", 3, 32, 32)
    with torch.no_grad():
        network = model.timm_model.eval()
        states = network.forward_features(torch.tensor(rows["image"][:]))
        expected = network.forward_head(states, pre_logits=True)
    model.train()
    got = extract(rows, TrainedModel(model, pixel_values), cache_dir=tmp_path)
    np.testing.assert_allclose(values(got), expected, rtol=1e-5, atol=1e-6)
    assert model.timm_model.training


def test_a_transformers_classifier_gives_what_its_last_layer_receives(tmp_path):
    config = RobertaConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        num_labels=3,
    )
    model = RobertaForSequenceClassification(config)
    rows = Dataset.from_dict({"tokens": [[0, 5, 6, 2], [0, 7, 8, 2]]})
    with torch.no_grad():
        states = model.eval().roberta(**ids(list(rows))).last_hidden_state
        expected = model.classifier.dense(states[:, 0]).tanh()
    model.train()
    got = extract(rows, TrainedModel(model, ids), cache_dir=tmp_path)
    np.testing.assert_allclose(values(got), expected, rtol=1e-5, atol=1e-6)


def test_a_model_without_a_linear_layer_is_refused(tmp_path):
    class Headless(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    with pytest.raises(ValueError, match=r"Headless runs no nn\.Linear"):
        extract(table("x", 4), TrainedModel(Headless(), stack_x), cache_dir=tmp_path)


def test_a_head_on_every_token_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"receives the shape \(1, 5, 3\)"):
        extract(table("x", 5, 4), TrainedModel(Net(), stack_x), cache_dir=tmp_path)
