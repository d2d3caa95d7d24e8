"""Scores collected during a real training, against the saved models evaluated by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from collect_kit import EPOCHS, Witness, columns, every_score, trainer_of
from conftest import rows, table
from hf_dynsel.collect import CollectScores
from sweep_kit import Deep

ROWS = 26
X = torch.tensor(rows(ROWS)["x"])
Y = torch.tensor(rows(ROWS)["labels"])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A training with all scores at once, and the model as it stood after each epoch."""
    folder, collect = tmp_path_factory.mktemp("run"), CollectScores(every_score(), vectors=True)
    trainer = trainer_of(folder, collect, model=Witness(), save_strategy="epoch")
    torch.manual_seed(3)
    trainer.train()
    steps = -(-ROWS // 4)
    models = []
    for epoch in range(1, EPOCHS + 1):
        model = Deep().eval()
        saved = load_file(folder / f"checkpoint-{epoch * steps}" / "model.safetensors")
        model.load_state_dict(saved)
        models.append(model)
    found = columns(collect.add_to(table(ROWS), label="labels"))
    return trainer, models, found


def predictions(model):
    with torch.no_grad():
        features = model.body(X)
        return features, model.head(features).softmax(1)


def error_of(model):
    return predictions(model)[1] - torch.eye(3)[Y]


def test_all_columns_are_there(run):
    names = {score.name for score in every_score()}
    assert run[2].keys() == {f"score_{name}" for name in names} | {"proxy_features", "proxy_error"}


def test_el2n_is_the_mean_length_of_the_error_after_one_and_two_epochs(run):
    _, models, found = run
    expected = (error_of(models[0]).norm(dim=1) + error_of(models[1]).norm(dim=1)) / 2
    np.testing.assert_allclose(found["score_el2n"], expected, rtol=1e-5)


def test_grand_is_the_length_of_every_gradient_after_two_epochs(run):
    _, models, found = run
    expected = []
    for x, y in zip(X.split(1), Y.split(1), strict=True):
        models[1].zero_grad()
        F.cross_entropy(models[1](x)["logits"], y).backward()
        expected.append(torch.cat([p.grad.flatten() for p in models[1].parameters()]).norm())
    np.testing.assert_allclose(found["score_grand"], torch.stack(expected), rtol=1e-5)


def test_entropy_margin_and_vectors_are_of_the_trained_model(run):
    _, models, found = run
    features, probabilities = predictions(models[-1])
    ranked = probabilities.sort(descending=True).values
    entropy = -(probabilities * probabilities.log()).sum(1)
    np.testing.assert_allclose(found["score_entropy"], entropy, rtol=1e-5)
    np.testing.assert_allclose(found["score_margin"], ranked[:, 1] - ranked[:, 0], atol=1e-6)
    np.testing.assert_allclose(found["proxy_features"], features, atol=1e-6)
    np.testing.assert_allclose(found["proxy_error"], error_of(models[-1]), atol=1e-6)


def test_density_is_of_the_trained_features(run):
    _, models, found = run
    unit = F.normalize(predictions(models[-1])[0].double())
    apart = torch.cdist(unit, unit).sort(dim=1).values[:, 1:4].mean(1)
    np.testing.assert_allclose(found["score_density"], apart, atol=1e-4)


def test_moso_multiplies_last_layer_gradients_in_the_middle_and_at_the_end(run):
    _, models, found = run
    looks = []
    for model in (models[1], models[3]):
        model.requires_grad_(True)
        gradients = []
        for x, y in zip(X.split(1), Y.split(1), strict=True):
            model.zero_grad()
            F.cross_entropy(model(x)["logits"], y).backward()
            gradients.append(torch.cat([p.grad.flatten() for p in model.head.parameters()]))
        stacked = torch.stack(gradients)
        others = (stacked.sum(0) - stacked) / (ROWS - 1)
        looks.append((others * stacked).sum(1))
    np.testing.assert_allclose(found["score_moso"], sum(looks) / 2, rtol=1e-3, atol=1e-6)


def test_tdds_is_of_the_predictions_after_each_epoch(run):
    _, models, found = run
    seen = [predictions(model)[1] for model in models]
    pairs = zip(seen, seen[1:], strict=False)
    moved = [(b * ((b + 1e-8).log() - (a + 1e-8).log())).abs().sum(1) for a, b in pairs]
    windows = [torch.stack(moved[start : start + 2]) for start in (0, 1)]
    early, late = ((window - window.mean(0)).norm(dim=0) for window in windows)
    np.testing.assert_allclose(found["score_tdds"], 0.9 * late + 0.09 * early, rtol=1e-3, atol=1e-5)


def presentations(trainer):
    """Each sample's logits in training, in their order: the recorded row of each input."""
    logits = [[] for _ in range(ROWS)]
    for x, given in trainer.model.presented:
        for sample, values in zip(x, given, strict=True):
            (row,) = torch.nonzero((sample == X).all(1)).flatten().tolist()
            logits[row].append(values)
    return logits


def test_forgetting_is_a_recount_of_what_was_predicted_in_training(run):
    trainer, _, found = run
    expected = []
    for row, given in enumerate(presentations(trainer)):
        right = [int(logits.argmax()) == int(Y[row]) for logits in given]
        assert len(right) == EPOCHS
        lost = sum(a and not b for a, b in zip(right, right[1:], strict=False))
        expected.append(lost if any(right) else EPOCHS)
    assert len(set(expected)) > 2
    assert found["score_forgetting"].tolist() == expected


def test_aum_is_the_mean_margin_of_what_was_predicted_in_training(run):
    trainer, _, found = run
    margins = [
        [float(v[Y[row]] - v[torch.arange(3) != Y[row]].max()) for v in given]
        for row, given in enumerate(presentations(trainer))
    ]
    np.testing.assert_allclose(found["score_aum"], -np.mean(margins, axis=1), rtol=1e-4, atol=1e-5)


def test_looks_are_counted_as_swept_samples(run):
    """Before the epochs 1, 2 and 3, and after the last, for whatever number of scores."""
    ledger = run[0].ledger
    assert ledger.samples_swept == 4 * ROWS
    assert ledger.samples_forwarded == ledger.samples_trained == EPOCHS * ROWS
    assert len(ledger.sweeps) == 4 and ledger.seconds["sweep"] > 0
