"""Lets a trainer push from a folder that holds its model and its card, and nothing else."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from transformers.trainer import TRAINING_ARGS_NAME
from transformers.trainer_utils import HubStrategy
from transformers.utils.hub import hf_api

from hf_dynsel.hub.tags import with_tags_of
from hf_dynsel.sharing.run_card import README

STAGE = "_hub"


@contextmanager
def only_model(trainer: Any) -> Iterator[None]:
    """Makes a trainer save and push `output_dir/_hub/...`, while the block lasts.

    `Trainer` pushes all of its output folder but checkpoints: the scores and the report of a run
    too, which may show samples, and the pickled arguments, which may hold a token.
    """
    args, home = trainer.args, Path(trainer.args.output_dir)
    stage = home / STAGE / home.resolve().name  # the repository may be called after it
    if trainer.is_world_process_zero():
        hf_api().run_as_future(_nothing).result()  # earlier pushes have read the folder
        shutil.rmtree(home / STAGE, ignore_errors=True)
        stage.mkdir(parents=True)
        if (home / README).is_file():
            shutil.copyfile(home / README, stage / README)
        _keep_tags(trainer, stage / README)
    args.output_dir = str(stage)
    try:
        yield
    finally:
        args.output_dir = str(home)
    if trainer.is_world_process_zero() and (stage / README).is_file():
        shutil.copyfile(stage / README, home / README)


@contextmanager
def uploads_held(trainer: Any) -> Iterator[None]:
    """Holds pushes in the background until the block has ended and the pickle is gone."""
    gate = Event()
    hf_api().run_as_future(gate.wait)  # the client runs one job at a time, in their order
    try:
        yield
        remove_pickles(trainer)
    finally:
        gate.set()


def remove_pickles(trainer: Any) -> None:
    """Removes the pickled arguments from the folder that is about to be pushed."""
    folder = Path(trainer.args.output_dir)
    if folder.parent.name == STAGE:
        (folder / TRAINING_ARGS_NAME).unlink(missing_ok=True)


def pushes_checkpoints(trainer: Any) -> bool:
    """Whether a checkpoint that is saved now is pushed, as `Trainer` decides it."""
    if not trainer.is_world_process_zero() or trainer.args.hub_strategy == HubStrategy.END:
        return False
    running = trainer.push_in_progress
    return bool(trainer.args.hub_always_push or running is None or running.is_done())


def _keep_tags(trainer: Any, readme: Path) -> None:
    """Gives the card that is about to be replaced the tags of the one on the Hub."""
    args, name = trainer.args, trainer.hub_model_id or trainer.args.hub_model_id
    if name is None:
        return
    try:
        path = hf_api().hf_hub_download(
            name, README, revision=args.hub_revision, token=args.hub_token
        )
    except OSError:  # none yet; a Hub that is away fails the push itself
        return
    published = Path(path).read_text(encoding="utf-8")
    here = readme.read_text(encoding="utf-8") if readme.is_file() else published
    readme.write_text(with_tags_of(here, published), encoding="utf-8", newline="")


def _nothing() -> None:
    pass
