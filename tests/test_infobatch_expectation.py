"""Over many draws, InfoBatch trains on the gradient of the whole pool."""

import numpy as np
import pytest

from conftest import Net
from hf_dynsel import Feedback, Pool
from hf_dynsel.selectors import InfoBatch
from precision_kit import columns
from trainer_kit import RecordingTrainer, build

DRAWS = 1000


def pool_losses():
    """Losses and gradients of 30 samples under the model as it is, in double precision."""
    net, data = Net().double(), columns(30)
    x = data["x"].double()
    chances = net(x)["logits"].softmax(1).detach().numpy()
    labels = data["labels"].numpy()
    errors = chances - np.eye(3)[labels]
    gradients = errors[:, :, None] * x.numpy()[:, None, :]
    return -np.log(chances[np.arange(30), labels]), gradients


def draw(seed, losses, **hyperparameters):
    """The weights that all samples have in the second epoch; zero where they are left out."""
    selector = InfoBatch(seed=seed, **hyperparameters)
    selector.setup(Pool(30), 8)
    selector.observe(Feedback(0, np.arange(30), {"loss": losses.astype(np.float32)}))
    selection = selector.select(1)
    weights = np.zeros(30)
    weights[selection.indices] = selection.weights
    return weights


@pytest.mark.parametrize("settings", [{}, {"prune": 0.3}, {"keep": 0.5, "prune": 0.75}], ids=str)
def test_infobatch_expects_the_full_gradient(settings):
    """The mean over draws is within five standard errors of the sum over all samples.

    Of m easy samples with gradients g, k are drawn without replacement and weigh m / k: their
    weighted sum has the variance m^2 (1 - k/m) s^2 / k, where s^2 = sum (g - mean)^2 / (m - 1).
    Without the weights the mean would be many more errors away.
    """
    losses, gradients = pool_losses()
    weights = np.array([draw(seed, losses, **settings) for seed in range(DRAWS)])
    easy = (weights != 1).any(0)
    m, k = easy.sum(), (weights[0] > 0)[easy].sum()
    assert ((weights[:, easy] > 0).sum(1) == k).all()
    assert 0 < k < m
    spread = gradients[easy].var(0, ddof=1)
    error = np.sqrt(m**2 * (1 - k / m) * spread / k / DRAWS)
    full = gradients.sum(0)
    found = np.einsum("sn,nco->co", weights, gradients) / DRAWS
    assert (np.abs(found - full) < 5 * error).all()
    unweighted = np.einsum("sn,nco->co", weights > 0, gradients) / DRAWS
    assert (np.abs(unweighted - full) > 5 * error).mean() > 0.5


class Gradients(RecordingTrainer):
    """Keeps each step's gradient before the optimizer takes it."""

    def _clip_grad_norm(self, model):
        self.gradients = [*getattr(self, "gradients", []), model.linear.weight.grad.numpy().copy()]
        return super()._clip_grad_norm(model)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_trainers_gradient_is_that_of_the_draw(seed, tmp_path):
    """At rate zero the model stays, and an accumulated step is a whole epoch."""
    settings = {"num_train_epochs": 8, "gradient_accumulation_steps": 8, "learning_rate": 0.0}
    trainer = build(tmp_path, InfoBatch(seed=seed), 30, Gradients, max_grad_norm=1e9, **settings)
    trainer.train()
    losses, gradients = pool_losses()
    weights = draw(seed, losses)
    expected = np.einsum("n,nco->co", weights, gradients) / (weights > 0).sum()
    np.testing.assert_allclose(trainer.gradients[1], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(trainer.gradients[0], gradients.mean(0), rtol=1e-4, atol=1e-6)
