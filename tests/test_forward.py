"""What a model returned while somebody else computed its loss."""

import pytest
import torch

from hf_dynsel.forward import outputs_of


def test_the_first_outputs_keep_their_gradients_and_the_hook_goes():
    model = torch.nn.Linear(2, 1)
    with outputs_of(model) as seen:
        model(torch.ones(1, 2))
        with torch.no_grad():
            model(torch.ones(1, 2))
    assert [output.requires_grad for output in seen] == [True, False]
    model(torch.ones(1, 2))
    assert len(seen) == 2


def test_a_trainer_that_calls_another_model_is_refused():
    refused = pytest.raises(TypeError, match="did not call the model it was given")
    with refused, outputs_of(torch.nn.Linear(2, 1)):
        pass


def test_an_error_of_the_model_is_not_hidden():
    model = torch.nn.Linear(2, 1)
    with pytest.raises(RuntimeError, match="mat1 and mat2"), outputs_of(model):
        model(torch.ones(1, 3))
    assert not model._forward_hooks
