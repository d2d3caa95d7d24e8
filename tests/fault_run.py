"""A short training run on real images that kills itself, or is killed, where it is told to.

Every kill is SIGKILL: no handler, no `finally` and no flush of Python runs after it.
"""

import hashlib
import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import safetensors.torch
import torch
from datasets import Dataset
from transformers import TrainerCallback, TrainerState

from hf_dynsel import DynamicSelectionArguments, DynamicSelectionTrainer, Selector
from hf_dynsel.data import idx, stratified_subset
from hf_dynsel.data.idx import FASHION_MNIST
from hf_dynsel.data.images import ImageTransform
from hf_dynsel.indexed import INDEX
from hf_dynsel.models import image_classifier
from hf_dynsel.selectors import InfoBatch, RepDiv

SELECTORS: dict[str, Callable[[], Selector]] = {
    "InfoBatch": lambda: InfoBatch(prune=0.5),
    "RepDiv": lambda: RepDiv(keep=0.4, refine=0.2),
}
SETTINGS: dict[str, Any] = {
    "num_train_epochs": 5,
    "per_device_train_batch_size": 16,
    "gradient_accumulation_steps": 2,
    "per_device_eval_batch_size": 100,
    "learning_rate": 0.003,
    "lr_scheduler_type": "cosine",
    "eval_strategy": "steps",
    "eval_steps": 6,
    "save_strategy": "steps",
    "save_steps": 6,
    "save_total_limit": 2,
    "load_best_model_at_end": True,
    "metric_for_best_model": "accuracy",
    "logging_steps": 2,
    "remove_unused_columns": False,
    "report_to": "none",
    "disable_tqdm": True,
    "use_cpu": True,
}
TRAIN, EVALUATION, PIXELS = 600, 200, 14  # images, and their height and width


@dataclass(frozen=True)
class Kill:
    """Where a process ends.

    Args:
        point: a name that `Victim.at` is called with; "a random time" is up to the parent.
        count: which time that it gets there.
        share: of the file or folder at hand that is done by then, or of half of the uninterrupted
            run's time.
    """

    point: str
    count: int = 1
    share: float = 0.5


class Victim:
    """Notes what a process trains on, says what it is doing, and kills it at its point.

    Args:
        kill: where; None lets it live.
        doing: shared memory that outlives the process.
        notes: a file to append to.
        attempt: which process of the run it is.
    """

    def __init__(self, kill: Kill | None, doing: Any, notes: Path, attempt: int) -> None:
        self.kill, self.doing, self.notes, self.attempt = kill, doing, notes, attempt
        self.left = kill.count if kill else 0

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        before, self.doing.value = self.doing.value, phase.encode()
        yield
        self.doing.value = before

    def at(self, point: str, last_act: Callable[[float], Any] = lambda share: None) -> None:
        """Ends the process here if this is its point, after a last act of so large a share."""
        if self.kill is None or self.kill.point != point:
            return
        self.left -= 1
        if self.left == 0:
            last_act(self.kill.share)
            self.doing.value = f"killed: {point}".encode()
            os.kill(os.getpid(), signal.SIGKILL)

    def note(self, **values: Any) -> None:
        with self.notes.open("a") as file:
            file.write(json.dumps({"attempt": self.attempt, **values}) + "\n")


def cut(path: Path) -> Callable[[float], None]:
    return lambda share: os.truncate(path, int(path.stat().st_size * share))


def delete(folder: Path) -> Callable[[float], None]:
    def some(share: float) -> None:
        files = sorted(folder.iterdir(), key=lambda path: hashlib.md5(path.name.encode()).digest())
        for path in files[: round(len(files) * share)]:
            path.unlink()

    return some


def tap(victim: Victim) -> None:
    """Puts the victim's points into the functions that write, move and delete files."""

    def after_writing(owner: Any, name: str, target: Callable[..., Any]) -> None:
        write = getattr(owner, name)

        def written(*args: Any, **kwargs: Any) -> Any:
            result = write(*args, **kwargs)
            path = Path(target(*args))
            victim.at(f"writing {re.sub(r'[0-9]+', 'N', path.name)}", cut(path))
            return result

        setattr(owner, name, written)

    after_writing(safetensors.torch, "serialize_file", lambda tensors, path, *_: path)
    after_writing(torch, "save", lambda value, path, *_: path)
    after_writing(TrainerState, "save_to_json", lambda state, path: path)
    after_writing(pq, "write_table", lambda table, path, *_: path)
    after_writing(Path, "write_text", lambda path, *_: path)
    after_writing(pq.ParquetWriter, "write_table", lambda writer, *_: writer.where)
    replace, rmtree = Path.replace, shutil.rmtree

    def replaced(path: Path, target: Path) -> Path:
        victim.at(f"before {re.sub(r'[0-9]+', 'N', Path(target).name)}")
        return replace(path, target)

    def removed(path: Any, *args: Any, **kwargs: Any) -> None:
        if Path(path).is_dir():
            victim.at(f"removing {re.sub(r'[0-9]+', 'N', Path(path).name)}", delete(Path(path)))
        rmtree(path, *args, **kwargs)

    Path.replace, shutil.rmtree = replaced, removed  # type: ignore[method-assign, assignment]


class FaultyTrainer(DynamicSelectionTrainer):
    """A trainer with a victim in its seams."""

    victim: Victim
    place = (-1, -1)  # optimizer steps done, batches of the next one begun

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        step = self.state.global_step
        self.place = (step, self.place[1] + 1 if self.place[0] == step else 0)
        ids, epoch = inputs[INDEX].tolist(), self.sampler.epoch
        with self.victim.during("accumulating" if self.place[1] else "training"):
            self.victim.at("in mid-accumulation" if self.place[1] else "before a step")
            self.victim.note(place=self.place, epoch=epoch, ids=ids)
            return super().training_step(model, inputs, *args, **kwargs)

    def prediction_step(self, *args: Any, **kwargs: Any) -> Any:
        self.victim.at("evaluating")
        with self.victim.during("evaluating"):
            return super().prediction_step(*args, **kwargs)

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        with self.victim.during("writing a checkpoint"):
            super()._save_checkpoint(*args, **kwargs)
        self.victim.note(saved=self.state.global_step)

    def _load_best_model(self) -> None:
        self.victim.at("before loading the best model")
        super()._load_best_model()


class Told(TrainerCallback):
    """Tells the victim where the run begins."""

    def __init__(self, victim: Victim) -> None:
        self.victim = victim

    def on_train_begin(self, args: Any, state: TrainerState, *_: Any, **__: Any) -> None:
        self.victim.at("before the run begins")
        self.victim.note(begins=state.global_step)

    def on_optimizer_step(self, *_: Any, **__: Any) -> None:
        self.victim.at("after an optimizer step")


def images() -> tuple[Dataset, Dataset]:
    """Returns images to train on, with two scores, and others to evaluate with."""
    splits = idx()
    rows = stratified_subset(splits["train"], TRAIN + EVALUATION)
    order = np.random.default_rng(0).permutation(len(rows))
    train, evaluation = rows.select(order[:TRAIN]), rows.select(order[TRAIN:])
    transform = ImageTransform(
        mean=(0.286,), std=(0.353,), channels=1, size=PIXELS, crop_padding=1, flip=True
    )
    pixels = np.stack([np.asarray(image, np.float32).ravel() for image in train["image"]])
    labels = np.asarray(train["label"])
    means = np.stack([pixels[labels == label].mean(0) for label in range(len(FASHION_MNIST))])
    away = np.linalg.norm(pixels - means[labels], axis=1)
    train = train.add_column("score_representativeness", -away)
    train = train.add_column("score_diversity", pixels.std(axis=1))
    return train.with_transform(transform), evaluation.with_transform(transform.deterministic())


def accuracy(prediction: Any) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(1) == prediction.label_ids).mean())}


def train(
    folder: Path, selector: str, data: tuple[Dataset, Dataset], victim: Victim
) -> DynamicSelectionTrainer:
    """Trains from where the folder's last complete checkpoint stands, and notes what came out."""
    torch.set_num_threads(1)
    model = image_classifier(
        "small_cnn", label_names=FASHION_MNIST, in_chans=1, model_args={"drop_rate": 0.2}
    )
    trainer = FaultyTrainer(
        model=model,
        args=DynamicSelectionArguments(output_dir=str(folder), **SETTINGS),
        train_dataset=data[0],
        eval_dataset=data[1],
        selector=SELECTORS[selector](),
        compute_metrics=accuracy,
        callbacks=[Told(victim)],
    )
    trainer.victim = victim
    tap(victim)
    trainer.train(resume_from_checkpoint=any(folder.glob("checkpoint-*")) or None)
    victim.at("after the end")
    victim.note(ends=outcome(trainer, folder))
    return trainer


def outcome(trainer: DynamicSelectionTrainer, folder: Path) -> dict[str, Any]:
    """Returns all that a run leaves, but for times and paths; tensors and files as hashes."""
    state = trainer.state
    model = {name: tensor.numpy() for name, tensor in trainer.model.state_dict().items()}
    table = pq.read_table(folder / "selections.parquet")
    found = {
        "steps": state.global_step,
        "best metric": state.best_metric,
        "best step": state.best_global_step,
        "best checkpoint": Path(state.best_model_checkpoint or "").name,
        "log": [{k: v for k, v in entry.items() if not timed(k)} for entry in state.log_history],
        "samples per epoch": trainer.ledger.samples_per_epoch,
        "usage": digest({"usage": trainer.sampler.usage}),
        "selector": digest(trainer.selector.state_dict()),
        "selections": digest({name: table[name].to_numpy() for name in table.column_names}),
        "final weights": digest(model),
    }
    for step in {state.global_step, state.best_global_step}:
        for path in sorted((folder / f"checkpoint-{step}").glob("*")):
            plain = path.suffix not in (".json", ".bin")  # these hold times and paths
            name = f"{path.parent.name}/{path.name}"
            found[name] = digest({"": path.read_bytes()}) if plain else "is there"
    return found


def timed(name: str) -> bool:
    """Whether a log's value is of one process's time, or a mean since that process began."""
    return name.endswith(("runtime", "per_second")) or name == "train_loss"


def digest(parts: dict[str, Any]) -> str:
    total = hashlib.sha256()
    for name, part in parts.items():
        total.update(name.encode() + bytes(memoryview(part).cast("B")))
    return total.hexdigest()[:16]
