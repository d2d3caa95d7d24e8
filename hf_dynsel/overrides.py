"""Says at once, by name, when `Trainer` no longer has what the mixin overrides."""

import inspect

import transformers
from transformers import Trainer

TESTED = "5.17 to 5.23"

OVERRIDDEN = {
    "get_train_dataloader": (),
    "_get_train_sampler": ("train_dataset",),
    "_inner_training_loop": ("batch_size", "trial"),
    "set_initial_training_values": ("args", "dataloader"),
    "_init_training_state": ("trial",),
    "_run_epoch": (
        "epoch",
        "train_dataloader",
        "steps_in_epoch",
        "num_update_steps_per_epoch",
        "epochs_trained",
        "steps_trained_in_current_epoch",
    ),
    "_finalize_training": ("trial", "num_train_samples", "start_time"),
    "get_batch_samples": ("epoch_iterator", "num_batches", "device"),
    "compute_loss": ("model", "inputs", "return_outputs", "num_items_in_batch"),
    "log": ("logs",),
    "create_scheduler": ("num_training_steps", "optimizer"),
    "_save_checkpoint": ("model", "trial"),
    "create_model_card": ("model_name",),
    "push_to_hub": ("commit_message",),
    "_push_from_checkpoint": ("checkpoint_folder",),
    "_finish_current_push": (),
    "_get_output_dir": ("trial",),
    "_remove_unused_columns": ("dataset", "description"),
    "_get_collator_with_removed_columns": ("data_collator", "description"),
}


def require_overrides(trainer: type[Trainer] = Trainer) -> None:
    """Raises RuntimeError unless a trainer's internals are those the mixin was written for."""
    for name, wanted in OVERRIDDEN.items():
        method = getattr(trainer, name, None)
        found = () if method is None else tuple(inspect.signature(method).parameters)
        if method is None or not set(wanted) <= set(found):
            what = "is gone" if method is None else f"takes {list(found)}, not {list(wanted)}"
            raise RuntimeError(
                f"Trainer.{name}, which DynamicSelectionMixin overrides or calls, {what} in "
                f"transformers {transformers.__version__}: samples could be trained on that were "
                f"not selected. Use transformers {TESTED}, or a newer hf-dynsel"
            )


def require_called(finished: bool, epochs: int) -> None:
    """Raises RuntimeError if a run ended without the overrides that make its epochs."""
    if not finished:
        raise RuntimeError(
            f"Trainer.train of transformers {transformers.__version__} ended after {epochs} epochs "
            "of DynamicSelectionMixin._run_epoch and never called its _finalize_training: its loop "
            f"has changed. Use transformers {TESTED}, or a newer hf-dynsel"
        )
