"""What other libraries' trainers do to the rows of a dataset: worked with, or refused at once."""

from typing import Any

from hf_dynsel.core import Selector

MOVE_ROWS = {
    "packing": "joins samples into blocks",
    "shuffle_dataset": "moves samples to other rows, and the selection is shuffled anyway",
}
ANY_BATCHES = "batch_sampler"  # what sentence-transformers calls batches in random order


def of_sentence_transformers(trainer: type) -> bool:
    """Returns whether a trainer builds its own loaders, for collators that want all columns."""
    return any(base.__module__.startswith("sentence_transformers.") for base in trainer.__mro__)


def require_no_sampler(trainer: type) -> None:
    """Raises TypeError if a trainer draws samples by rules of its own, as GRPO does groups."""
    ours = ("hf_dynsel.", "transformers.")
    for base in trainer.__mro__:
        if "_get_train_sampler" in vars(base) and not base.__module__.startswith(ours):
            raise TypeError(
                f"{base.__name__} draws its training samples by a sampler of its own, which a "
                "selection would replace; it works with trainers that shuffle their samples"
            )


def require_rows_in_place(args: Any) -> None:
    """Raises ValueError if a trainer joins, moves or groups samples, which we know by their rows.

    Args:
        args: of the trainer; TRL's and sentence-transformers' have fields of their own.
    """
    values = vars(args)
    for name, effect in MOVE_ROWS.items():
        if values.get(name):
            raise ValueError(
                f"{name}=True {effect}; a selection names samples by their rows. Set {name}=False"
            )
    if (batches := values.get("batch_sampler", ANY_BATCHES)) != ANY_BATCHES:
        raise ValueError(
            f"batch_sampler={batches!r} groups all samples into batches by what they hold, and "
            "those of a selection are drawn anew each epoch; leave batch_sampler out"
        )


def require_rows_kept(trainer: type, given: int, prepared: int) -> None:
    """Raises ValueError if a trainer made another number of rows of those it was given."""
    if prepared != given:
        raise ValueError(
            f"{trainer.__name__} made {prepared} rows of the {given} of train_dataset, and a "
            "selection names samples by their rows. Leave out beforehand what it drops; "
            "SFTTrainer drops a text whose prompt alone fills max_length"
        )


def require_own_losses(trainer: type, selector: Selector) -> None:
    """Raises ValueError if a trainer's loss is no mean over samples, which the selector needs."""
    if of_sentence_transformers(trainer):
        raise ValueError(
            f"{type(selector).__name__} weighs samples or learns from their losses, and the "
            "losses of sentence-transformers are of whole batches, whose samples they compare. "
            "Choose a selector without weights and signals, such as RepDiv"
        )


def require_sampled(trainer: type, sampled: bool) -> None:
    """Raises TypeError if a trainer built its training loader without asking for our sampler."""
    if not sampled:
        raise TypeError(
            f"the get_train_dataloader of {trainer.__name__} draws samples by itself; let it call "
            "super().get_train_dataloader(), or self._get_train_sampler() for its sampler"
        )
