"""The Trainer with a selector is the Trainer, on other samples."""

import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import nn
from transformers import TrainingArguments

from conftest import LossDriven, Net, Sized, rows, table
from hf_dynsel import DynamicSelectionArguments, DynamicSelectionTrainer, Feedback, Pool, Selection
from hf_dynsel.selectors import DynamicRandom, FullData, RepDiv, TopScore
from trainer_kit import PlainTrainer, RecordingTrainer, arguments, build

TIMES = ("runtime", "per_second")


def own_logs(trainer):
    """The log without wall times and without what only a selection has."""
    return [
        {k: v for k, v in entry.items() if not k.endswith(TIMES)}
        for entry in trainer.state.log_history
        if "selection/size" not in entry
    ]


@pytest.mark.parametrize("scheduler", ["linear", "cosine", "constant_with_warmup", "polynomial"])
@pytest.mark.parametrize("accumulation", [1, 2, 3])
def test_full_data_equals_plain_trainer_bit_for_bit(scheduler, accumulation, tmp_path):
    settings = {
        "lr_scheduler_type": scheduler,
        "gradient_accumulation_steps": accumulation,
        "eval_strategy": "epoch",
        "optim": "adamw_torch",
        "warmup_steps": 3,
    }
    ours = build(tmp_path / "ours", FullData(), rows=22, eval_dataset=table(5), **settings)
    ours.train()
    plain = PlainTrainer(
        model=Net(),
        args=arguments(tmp_path / "plain", **settings),
        train_dataset=table(22),
        eval_dataset=table(5),
        orders=ours.epochs(),
    )
    plain.train()
    assert torch.equal(ours.model.linear.weight, plain.model.linear.weight)
    assert own_logs(ours) == own_logs(plain)


def test_plain_trainer_writes_the_same_files(tmp_path):
    settings = {"save_strategy": "epoch", "num_train_epochs": 2}
    ours = build(tmp_path / "ours", FullData(), **settings)
    ours.train()
    plain = PlainTrainer(
        model=Net(),
        args=arguments(tmp_path / "plain", **settings),
        train_dataset=table(24),
        orders=ours.epochs(),
    )
    plain.train()
    files = [
        {str(p.relative_to(tmp_path / run)) for p in (tmp_path / run).rglob("*") if p.is_file()}
        for run in ("ours", "plain")
    ]
    extra = files[0] - files[1]
    assert files[1] <= files[0]
    assert {name.rsplit("/")[-1] for name in extra} == {
        "selection.json",
        "selection.safetensors",
        "selections.parquet",
    }


class IdIsLoss(nn.Module):
    """Returns each sample's id as its loss, through a custom per-sample loss."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x, labels=None):
        return {"loss": x.sum() * 0, "logits": x * self.scale}


class Audit(LossDriven):
    """Checks what it is told: the loss of sample i is i."""

    def observe(self, feedback: Feedback) -> None:
        assert np.array_equal(feedback.signals["loss"], feedback.indices)
        assert np.array_equal(feedback.indices, np.unique(feedback.indices))
        super().observe(feedback)


class NumberedRows(torch.utils.data.Dataset):
    def __len__(self):
        return 30

    def __getitem__(self, i):
        return {"x": torch.tensor([float(i)]), "labels": 0}


PERSISTENT = {"dataloader_num_workers": 2, "dataloader_persistent_workers": True}


@pytest.mark.parametrize(
    "loader",
    [
        {"dataloader_num_workers": 0},
        {"dataloader_num_workers": 2, "dataloader_prefetch_factor": 4},
        PERSISTENT | {"dataloader_multiprocessing_context": "fork"},
        pytest.param(
            PERSISTENT | {"dataloader_multiprocessing_context": "spawn"}, marks=pytest.mark.slow
        ),
        {"gradient_accumulation_steps": 3},
        {"bf16": True},
    ],
    ids=["main", "prefetch", "fork", "spawn", "accumulation", "bf16"],
)
def test_every_loss_reaches_its_own_sample(loader, tmp_path):
    trainer = DynamicSelectionTrainer(
        model=IdIsLoss(),
        args=arguments(tmp_path, num_train_epochs=3, learning_rate=0.0, **loader),
        train_dataset=NumberedRows(),
        selector=Audit(),
        per_sample_loss=lambda outputs, labels: outputs["logits"][:, 0].float(),
    )
    trainer.train()
    assert sum(trainer.sampler.usage) == trainer.ledger.samples_trained == 60
    assert (trainer.selector.losses[trainer.sampler.usage == 0] == 9).all()


@pytest.mark.parametrize(("batch", "accumulation"), [(12, 1), (6, 2), (4, 3), (1, 12)])
def test_weighted_loss_does_not_depend_on_how_a_step_is_split(batch, accumulation, tmp_path):
    """k batches of b give the gradient of one batch of k b, also when the last step is short."""

    def weights(batch, accumulation):
        trainer = build(
            tmp_path,
            LossDriven(),
            rows=30,
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=accumulation,
        )
        trainer.train()
        return trainer.model.linear.weight

    torch.testing.assert_close(weights(batch, accumulation), weights(12, 1))


def test_weighted_loss_is_the_weighted_mean_over_the_batch(tmp_path):
    """One full-batch step: the gradient is that of mean(w * loss), not divided by sum(w)."""
    trainer = build(
        tmp_path,
        LossDriven(),
        rows=6,
        num_train_epochs=1,
        per_device_train_batch_size=6,
        lr_scheduler_type="constant",
        max_grad_norm=0,
    )
    trainer.train()
    x, labels = (torch.tensor(rows(6)[name]) for name in ("x", "labels"))
    chosen = torch.arange(4)
    net = Net()
    losses = F.cross_entropy(net(x[chosen])["logits"], labels[chosen], reduction="none")
    (losses * torch.tensor([1.0, 2.0, 1.0, 2.0])).mean().backward()
    expected = net.linear.weight - 0.1 * net.linear.weight.grad
    torch.testing.assert_close(trainer.model.linear.weight, expected)


class Rows(torch.utils.data.Dataset):
    """A plain torch dataset with a collator of its own and a key the model does not take."""

    def __len__(self):
        return 24

    def __getitem__(self, i):
        data = rows(24)
        return {"x": torch.tensor(data["x"][i]), "labels": data["labels"][i], "name": f"row {i}"}


def stack(samples):
    return {
        "x": torch.stack([s["x"] for s in samples]),
        "labels": torch.tensor([s["labels"] for s in samples]),
    }


def with_transform():
    dataset = Dataset.from_dict(rows(24) | {"index": list(range(100, 124))})
    return dataset.with_transform(
        lambda batch: {"x": [torch.tensor(x) for x in batch["x"]], "labels": batch["labels"]}
    )


@pytest.mark.parametrize(
    ("dataset", "changes"),
    [
        (lambda: table(24), {}),
        (lambda: table(24).add_column("score_x", np.ones(24)), {"remove_unused_columns": False}),
        (with_transform, {"remove_unused_columns": False}),
        (Rows, {}),
        (lambda: [Rows()[i] for i in range(24)], {}),
        (lambda: table(48).select(range(24)), {}),
    ],
    ids=["hf", "hf_all_columns", "transform", "torch", "list", "indices_mapping"],
)
def test_any_map_style_dataset_trains_the_same(dataset, changes, tmp_path):
    labels = np.arange(24) % 3
    trainers = []
    for data, settings in ((dataset(), changes), (table(24), {})):
        trainer = RecordingTrainer(
            model=Net(),
            args=arguments(tmp_path, **settings),
            train_dataset=data,
            selector=DynamicRandom(keep=0.5),
            pool=Pool(24, {}, labels),
            data_collator=stack,
        )
        trainer.train()
        trainers.append(trainer)
    assert trainers[0].trained == trainers[1].trained
    assert torch.equal(trainers[0].model.linear.weight, trainers[1].model.linear.weight)


def test_selection_is_logged_to_the_trackers(tmp_path):
    dataset = table(24)
    for name in ("representativeness", "diversity"):
        dataset = dataset.add_column(f"score_{name}", np.arange(24, dtype=np.float32))
    trainer = build(tmp_path, RepDiv(keep=0.5, refine=0.25), train_dataset=dataset)
    trainer.train()
    entries = [e for e in trainer.state.log_history if "selection/size" in e]
    assert [e["selection/size"] for e in entries] == [12, 12, 12, 24]
    assert [e["epoch"] for e in entries] == [0, 1, 2, 3]
    assert entries[0]["selection/alpha"] > entries[2]["selection/alpha"]
    assert entries[3]["selection/never_used"] == 0
    assert 0 <= entries[1]["selection/overlap"] <= 1
    shares = [entries[0][f"selection/class_share/{c}"] for c in range(3)]
    assert shares == pytest.approx([1 / 3] * 3)


def test_tensorboard_receives_the_selection(tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "tb"))
    trainer = build(tmp_path, DynamicRandom(keep=0.5), report_to="tensorboard", num_train_epochs=2)
    trainer.train()
    events = EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    sizes = [event.value for event in events.Scalars("train/selection/size")]
    assert sizes == [12, 12]


def test_selection_leaves_the_global_random_streams_alone(tmp_path):
    """The same draws come out of NumPy and Torch after training with and without selecting."""
    draws = []
    for selector in (FullData(), DynamicRandom(keep=0.5)):
        trainer = build(tmp_path, selector, seed=3, num_train_epochs=2)
        before = np.random.get_state()[1].copy(), torch.get_rng_state()
        trainer.sampler.set_epoch(1)
        assert np.array_equal(np.random.get_state()[1], before[0])
        assert torch.equal(torch.get_rng_state(), before[1])
        draws.append(trainer.sampler.order)
    assert len(draws[0]) == 24 and len(draws[1]) == 12


def test_training_again_starts_afresh(tmp_path):
    trainer = build(tmp_path, DynamicRandom(keep=0.5), num_train_epochs=2)
    trainer.train()
    first = list(trainer.trained)
    trainer.trained.clear()
    trainer.train()
    assert trainer.trained == first
    assert trainer.sampler.usage.sum() == 24


class ShortOfMemory(RecordingTrainer):
    def training_step(self, model, inputs, *args, **kwargs):
        if len(inputs["labels"]) > 4:
            raise RuntimeError("CUDA out of memory.")
        return super().training_step(model, inputs, *args, **kwargs)


@pytest.mark.slow
def test_a_retry_with_a_smaller_batch_starts_afresh_and_ends_the_schedule(tmp_path):
    trainer = build(
        tmp_path,
        DynamicRandom(keep=0.5),
        cls=ShortOfMemory,
        per_device_train_batch_size=8,
        auto_find_batch_size=True,
        lr_scheduler_type="linear",
    )
    trainer.train()
    assert trainer.run_length.counter.batch_size == trainer._train_batch_size <= 4
    assert trainer.ledger.samples_per_epoch == [12] * 4
    assert trainer.state.global_step == trainer.state.max_steps
    assert trainer.lr_scheduler.get_last_lr()[0] == 0


def test_evaluation_takes_no_part_in_the_selection(tmp_path):
    trainer = build(tmp_path, LossDriven(), eval_dataset=table(9), eval_strategy="epoch")
    trainer.train()
    assert trainer.predict(table(9)).predictions.shape == (9, 3)
    assert trainer.ledger.samples_per_epoch == [16, 16, 16, 16]


def test_a_trainer_that_is_let_go_is_freed_at_once(tmp_path):
    """No cycle through the sampler: persistent workers in one take seconds to end."""
    trainer = build(tmp_path, Sized())
    trainer.train()
    sampler = weakref.ref(trainer.sampler)
    trainer.accelerator.free_memory()
    trainer.callback_handler.train_dataloader = None
    del trainer
    assert sampler() is None


def test_what_a_push_uploads_is_written_and_loads_again(tmp_path):
    from transformers import AutoModelForImageClassification

    from hf_dynsel.models import image_classifier

    images = Dataset.from_dict(
        {"pixel_values": np.random.default_rng(0).random((12, 1, 8, 8), np.float32).tolist()}
    ).with_format("torch")
    model = image_classifier("small_cnn", label_names=["a", "b"], in_chans=1)
    trainer = build(
        tmp_path,
        DynamicRandom(keep=0.5),
        model=model,
        train_dataset=images.add_column("labels", [0, 1] * 6),
        num_train_epochs=1,
    )
    trainer.train()
    trainer.save_model()
    trainer.create_model_card(model_name="tiny")
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"README.md", "config.json", "model.safetensors", "training_args.bin"}
    again = AutoModelForImageClassification.from_pretrained(tmp_path)
    for name, tensor in trainer.model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


# ---- Bad input is found when the trainer is built


def test_pool_of_another_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the pool has 9 samples and the training set 24"):
        DynamicSelectionTrainer(
            model=Net(),
            args=arguments(tmp_path),
            train_dataset=table(24),
            selector=FullData(),
            pool=Pool(9),
        )


def test_iterable_dataset_is_refused(tmp_path):
    with pytest.raises(TypeError, match="needs a map-style dataset, got IterableDataset"):
        build(tmp_path, FullData(), train_dataset=table(24).to_iterable_dataset())


def test_missing_score_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no score column 'el2n' \(it has: none\)"):
        build(tmp_path, TopScore(score="el2n"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_numbers_are_refused(bad, tmp_path):
    column = np.ones(24)
    column[7] = bad
    dataset = table(24).add_column("score_el2n", column)
    with pytest.raises(ValueError, match="'el2n' has 1 values that are NaN or infinite.* row 7"):
        build(tmp_path, TopScore(score="el2n"), train_dataset=dataset)


@pytest.mark.parametrize("keep", [0, -0.1, 1.5, float("nan")])
def test_keep_out_of_range_is_refused(keep, tmp_path):
    with pytest.raises(ValueError, match=r"keep must be .*\(0, 1\]"):
        build(tmp_path, DynamicRandom(keep=keep))


def test_a_class_without_samples_is_refused(tmp_path):
    dataset = table(24).map(lambda row: {"labels": 5 if row["labels"] == 1 else row["labels"]})
    with pytest.raises(ValueError, match="class 1 has no samples although labels go up to 5"):
        build(tmp_path, FullData(), train_dataset=dataset)


def test_labels_beyond_the_declared_classes_are_refused(tmp_path):
    from datasets import ClassLabel, Features, Value

    features = Features({"x": Value("float32"), "label": ClassLabel(names=["a", "b"])})
    dataset = Dataset.from_dict({"x": [0.0] * 4, "label": [0, 1, -1, 0]}, features=features)
    with pytest.raises(ValueError, match="row 2 has label -1, but the column declares"):
        build(tmp_path, FullData(), train_dataset=dataset)


def test_plain_arguments_are_refused(tmp_path):
    with pytest.raises(TypeError, match="must be DynamicSelectionArguments, got TrainingArguments"):
        DynamicSelectionTrainer(
            model=Net(),
            args=TrainingArguments(str(tmp_path), report_to="none", use_cpu=True),
            train_dataset=table(24),
            selector=FullData(),
        )


def test_a_collator_that_gives_no_mapping_is_refused(tmp_path):
    trainer = build(tmp_path, FullData())
    trainer.data_collator = lambda samples: torch.zeros(len(samples))
    with pytest.raises(TypeError, match="data collator returned Tensor"):
        trainer.train()


def test_signals_of_another_task_name_the_remedy(tmp_path):
    class Pairs(Net):
        def forward(self, x, labels=None):
            logits = self.linear(x)[:, None, :].expand(-1, 2, -1)
            return {"loss": logits.sum(), "logits": logits}

    trainer = build(tmp_path, LossDriven(), model=Pairs())
    with pytest.raises(TypeError, match="Pass per_sample_loss="):
        trainer.train()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr_follows": "batch"}, "lr_follows must be one of: epoch, step; got 'batch'"),
        ({"lr_schedule": "cosine"}, "lr_schedule must be one of: None, one_cycle, multi_step"),
        ({"match_compute": True, "max_steps": 5}, "match_compute sets the length of the run"),
    ],
)
def test_arguments_that_contradict_are_refused(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        DynamicSelectionArguments(output_dir=str(tmp_path), **changes)


def ragged() -> Selection:
    """What a selection with too many weights is outside the test run, where shapes are free."""
    selection = Selection(np.array([0, 1]))
    object.__setattr__(selection, "weights", np.ones(3))
    return selection


class Faulty(Sized):
    answer = Selection(np.array([0, 1, 1]))

    def select(self, epoch):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Selection(np.array([0, 1, 1])), "chose row 1 2 times"),
        (Selection(np.array([0, 24])), "chose row 24, but the pool has the rows 0 to 23"),
        (ragged(), "gave 3 weights for 2 samples"),
    ],
)
def test_selections_that_break_the_rules_are_refused(answer, message, tmp_path):
    selector = Faulty()
    selector.answer = answer
    with pytest.raises(ValueError, match=message):
        build(tmp_path, selector)
