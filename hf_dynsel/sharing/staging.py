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

from hf_dynsel.hub.tags import is_readable, with_tags_of
from hf_dynsel.sharing.run_card import README

STAGE = "_hub"


@contextmanager
def only_model(
    trainer: Any, token: str | None = None, revision: str | None = None
) -> Iterator[None]:
    """Makes a trainer save and push `output_dir/_hub/...`, while the block lasts.

    `Trainer` pushes all of its output folder but checkpoints: the scores and the report of a run
    too, which may show samples, and the pickled arguments, which may hold a token.

    Args:
        trainer: whose repository is known.
        token: of the push, if not that of the trainer's arguments.
        revision: of the push, if not that of the trainer's arguments.
    """
    args, home = trainer.args, Path(trainer.args.output_dir)
    stage = home / STAGE / home.resolve().name  # the repository may be called after it
    if trainer.is_world_process_zero():
        hf_api().run_as_future(_nothing).result()  # earlier pushes have read the folder
        shutil.rmtree(home / STAGE, ignore_errors=True)
        stage.mkdir(parents=True)
        if (home / README).is_file():
            _write(stage / README, _text(home / README))
        _keep_tags(trainer, stage / README, token, revision)
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


def _keep_tags(trainer: Any, readme: Path, token: str | None, revision: str | None) -> None:
    """Gives the card that is about to be replaced the tags of the one on the Hub."""
    args = trainer.args
    try:
        path = hf_api().hf_hub_download(
            trainer.hub_model_id,
            README,
            revision=revision or args.hub_revision,
            token=token or args.hub_token,
        )
    except OSError:  # none yet; a Hub that is away fails the push itself
        return
    published = _text(Path(path))
    if readme.is_file():
        _write(readme, with_tags_of(_text(readme), published))
    elif is_readable(published):
        _write(readme, published)


def _text(card: Path) -> str:
    return card.read_text(encoding="utf-8", errors="replace")


def _write(card: Path, text: str) -> None:
    card.write_text(text, encoding="utf-8", newline="")


def _nothing() -> None:
    pass
