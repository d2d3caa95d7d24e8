"""Which layer the penultimate features are taken from, and what is kept of them."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from hf_dynsel.features.head import head_inputs


def bert():
    config = BertConfig(
        vocab_size=20,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        num_labels=3,
    )
    return BertForSequenceClassification(config).eval()


# PEFT asks transformers for it.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_an_adapted_head_counts_as_a_whole():
    """Inside it, LoRA's last layer receives as many numbers as its rank, 4."""
    model = get_peft_model(
        bert(), LoraConfig(r=4, target_modules=["query", "classifier"], task_type="SEQ_CLS")
    ).eval()
    with head_inputs(model) as features, torch.no_grad():
        logits = model(input_ids=torch.arange(6).reshape(2, 3)).logits
    found = features()
    assert found.shape == (2, 16)
    head = model.base_model.model.classifier
    with torch.no_grad():
        torch.testing.assert_close(head(found), logits)


class FirstToken(nn.Module):
    """Hands its head a view of the states of all tokens, by keyword."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(input=x[:, 0])


def test_features_do_not_keep_the_states_of_all_tokens():
    model = FirstToken()
    with head_inputs(model) as features, torch.no_grad():
        model(torch.zeros(3, 100, 4))
    assert features().untyped_storage().nbytes() == 3 * 4 * 4
