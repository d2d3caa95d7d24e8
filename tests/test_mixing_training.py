"""Mixed batches train by soft cross-entropy, with every selector, against training by hand."""

import numpy as np
import pytest
import torch
from transformers import PreTrainedConfig, ViTConfig, ViTForImageClassification

from augment_kit import Pictures
from hf_dynsel import Feedback, Mixing, Pool, loop
from hf_dynsel.draws import Draws
from hf_dynsel.selectors import FullData, InfoBatch, SelectiveBackprop
from image_kit import Seeing
from precision_kit import Graded, observed, steps
from trainer_kit import RecordingTrainer, arguments

SIZE, SEED, ALPHA = 35, 42, 0.8
SELECTORS = {
    "no_signals": FullData,
    "weights": Graded,
    "infobatch": InfoBatch,
    "selective_backprop": SelectiveBackprop,
}
SPLITS = {"12 x 1": (12, 1), "5 x 2": (5, 2)}  # of 35, the last batch has 11, or 5 samples
MIXUP = Mixing(3, mixup_alpha=ALPHA)
SETTINGS = {"lr_scheduler_type": "constant", "max_grad_norm": 0.0, "learning_rate": 0.02}


def trainer(folder, selector, mixing=MIXUP, split="12 x 1", model=None, **changes):
    batch, accumulation = SPLITS[split]
    extra = {name: changes.pop(name) for name in ("compute_loss_func",) if name in changes}
    sizes = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulation}
    return RecordingTrainer(
        model=model or Seeing(),
        args=arguments(folder, **(SETTINGS | sizes | changes)),
        train_dataset=Pictures(SIZE),
        eval_dataset=Pictures(8),
        selector=selector,
        pool=Pool(SIZE),
        mixing=mixing,
        **extra,
    )


def mixed(epoch, ids):
    """MixUp from its definition: of an even number, sample i goes with n - 1 - i."""
    draws = Draws(SEED)
    draws.set_epoch(epoch)
    with draws.of(ids, stream=1):
        np.random.rand()  # whether to mix at all
        share = np.random.beta(ALPHA, ALPHA)
    samples = [Pictures(SIZE)[row] for row in ids]
    images = torch.stack([sample["pixel_values"].double() for sample in samples])
    targets = torch.eye(3).double()[[sample["labels"] for sample in samples]]
    even = len(ids) // 2 * 2
    for values in (images, targets):
        first = values[:even].clone()
        values[:even] = share * first + (1 - share) * first.flip(0)
    return images, targets


def by_hand(trained, selector, smoothing=0.0):
    """Trains in double precision by sum(weight x soft cross-entropy) / samples."""
    net = Seeing().double()
    selector.setup(Pool(SIZE), 4)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02)
    seen, running = {}, 0
    for epoch, batches in steps(trained):
        if epoch > running:
            selector.observe(observed(running, seen))
            seen, running = {}, epoch
        selection, given = selector.select(epoch), np.ones(SIZE)
        if selection.weights is not None:
            given[selection.indices] = selection.weights
        total = torch.zeros(())
        for ids in batches:
            images, targets = mixed(epoch, ids)
            log_p = net(images)["logits"].log_softmax(1)
            losses = -((1 - smoothing) * targets + smoothing / 3).mul(log_p).sum(1)
            found = losses.detach().numpy().astype(np.float32)
            fresh = selector.weigh(Feedback(epoch, np.array(ids), {"loss": found}))
            weights = given[ids] * (1 if fresh is None else fresh)
            total = total + (torch.from_numpy(weights) * losses).sum()
            seen |= dict(zip(ids, found, strict=True))
        optimizer.zero_grad()
        (total / sum(map(len, batches))).backward()
        optimizer.step()
    return net


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", SELECTORS)
def test_training_is_gradient_descent_on_soft_cross_entropy(name, split, tmp_path):
    trained = trainer(tmp_path, SELECTORS[name](), split=split)
    trained.train()
    net = by_hand(trained, SELECTORS[name]())
    torch.testing.assert_close(
        trained.model.linear.weight, net.linear.weight, check_dtype=False, atol=1e-5, rtol=1e-5
    )
    moved = (trained.model.linear.weight - Seeing().linear.weight).abs().max()
    assert moved > 1e-2


@pytest.mark.parametrize("name", ["no_signals", "infobatch"])
def test_labels_are_smoothed_once(name, tmp_path):
    model = Seeing()
    model.config = PreTrainedConfig()  # Trainer asks it for its problem type
    trained = trainer(tmp_path, SELECTORS[name](), model=model, label_smoothing_factor=0.3)
    trained.train()
    net = by_hand(trained, SELECTORS[name](), smoothing=0.3)
    torch.testing.assert_close(
        trained.model.linear.weight, net.linear.weight, check_dtype=False, atol=1e-5, rtol=1e-5
    )


def test_the_logged_loss_is_the_soft_cross_entropy(tmp_path):
    """One step of all samples, at the untrained model."""
    changes = {"num_train_epochs": 1, "per_device_train_batch_size": SIZE}
    trained = trainer(tmp_path, FullData(), **changes)
    trained.train()
    images, targets = mixed(0, trained.trained[0][1])
    log_p = Seeing().double()(images)["logits"].log_softmax(1)
    expected = -(targets * log_p).sum(1).mean()
    logged = next(entry["loss"] for entry in trained.state.log_history if "loss" in entry)
    assert logged == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("name", ["no_signals", "infobatch", "selective_backprop"])
def test_the_loop_ends_with_the_trainers_weights(name, tmp_path):
    trained = trainer(tmp_path / "trainer", SELECTORS[name](SEED), split="5 x 2")
    trained.train()
    model = Seeing()
    loop.train(
        model,
        Pictures(SIZE),
        SELECTORS[name](SEED),
        torch.optim.SGD(model.parameters(), 0.02),
        epochs=4,
        batch_size=5,
        accumulation=2,
        output_dir=tmp_path / "loop",
        schedule=lambda optimizer, _: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0),
        max_grad_norm=0.0,
        pool=Pool(SIZE),
        mixing=MIXUP,
    )
    assert torch.equal(model.linear.weight, trained.model.linear.weight)


def test_the_model_gets_no_labels_in_training_and_its_own_in_evaluation(tmp_path):
    trained = trainer(tmp_path, SelectiveBackprop(), eval_strategy="epoch")
    trained.train()
    evaluated = [batch for mode, *batch in trained.model.seen if not mode and batch[1] is not None]
    assert all(labels is None for mode, _, labels in trained.model.seen if mode)
    assert len(evaluated) == 4
    clean = torch.stack([Pictures(8)[row]["pixel_values"] for row in range(8)])
    for images, labels in evaluated:
        assert torch.equal(images, clean)
        assert labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_a_transformers_model_keeps_its_problem_type(tmp_path):
    """It would take float labels for several yes-or-no ones, from then on in evaluation too."""
    config = ViTConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=12,
        patch_size=6,
        num_labels=3,
    )
    torch.manual_seed(0)
    model = ViTForImageClassification(config)
    trained = trainer(tmp_path, InfoBatch(), model=model, num_train_epochs=1)
    trained.train()
    assert config.problem_type is None
    metrics = trained.evaluate()
    assert config.problem_type == "single_label_classification"
    images = torch.stack([Pictures(8)[row]["pixel_values"] for row in range(8)])
    with torch.no_grad():
        logits = model(images).logits
    expected = torch.nn.functional.cross_entropy(logits, torch.arange(8) % 3)
    assert metrics["eval_loss"] == pytest.approx(expected.item(), rel=1e-4)


def test_another_number_of_classes_than_the_models_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"\(12, 4\), and the model's logits have \(12, 3\); give"):
        trainer(tmp_path, FullData(), Mixing(4, mixup_alpha=1.0)).train()


def test_a_loss_function_of_the_users_own_is_refused(tmp_path):
    def own(outputs, labels, num_items_in_batch=None):
        return outputs["logits"].sum()

    with pytest.raises(ValueError, match="and compute_loss_func is another"):
        trainer(tmp_path, FullData(), compute_loss_func=own)
    trainer(tmp_path, FullData(), mixing=None, compute_loss_func=own)
