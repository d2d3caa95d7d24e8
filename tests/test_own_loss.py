"""Models get the number of targets in a whole step, if they ask for it."""

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, LlamaConfig, LlamaForCausalLM

from conftest import Net
from hf_dynsel.own_loss import own_loss, target_count

SMALL = {"vocab_size": 9, "hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 1}
TOKENS = torch.tensor([[1, 2, -100], [-100, -100, 3]])


def bert():
    return BertForSequenceClassification(BertConfig(**SMALL, num_attention_heads=1))


def llama():
    heads = {"num_attention_heads": 1, "num_key_value_heads": 1}
    return LlamaForCausalLM(LlamaConfig(**SMALL, **heads))


class OwnMean(Net):
    """Takes any keyword and says that it does not divide by a number of targets."""

    accepts_loss_kwargs = False

    def forward(self, x, labels=None, **others):
        return super().forward(x, labels)


@pytest.mark.parametrize(
    ("model", "labels", "targets"),
    [
        (bert, [torch.tensor([0, 1, -100]), torch.tensor([1])], 3),
        (bert, [TOKENS], 3),
        (llama, [TOKENS], 2),  # the first token follows none
        (llama, [TOKENS, TOKENS[1:]], 3),
    ],
)
def test_targets_are_counted_over_all_micro_batches(model, labels, targets):
    batches = [{"labels": of_batch} for of_batch in labels]
    assert target_count(model(), batches) == {"num_items_in_batch": torch.tensor(targets)}


@pytest.mark.parametrize("model", [Net, OwnMean])
def test_a_model_that_takes_the_mean_of_its_batch_is_told_nothing(model):
    assert target_count(model(), [{"labels": torch.tensor([0])}]) == {}


def test_without_labels_there_is_nothing_to_count():
    assert target_count(bert(), [{"input_ids": TOKENS}]) == {}


@pytest.mark.parametrize(
    ("outputs", "found"),
    [({"logits": 1}, r"\['logits'\]"), ((1, 2), "tuple"), ({"loss": None}, "")],
)
def test_outputs_without_a_loss_are_refused(outputs, found):
    with pytest.raises(TypeError, match=f"the model returned no loss, but .*{found}"):
        own_loss(outputs)
