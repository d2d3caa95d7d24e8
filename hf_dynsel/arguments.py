"""`DynamicSelectionArguments`: `TrainingArguments` and what a moving subset adds to them."""

from dataclasses import dataclass, field
from typing import Any, no_type_check

from transformers import TrainingArguments

from hf_dynsel.augment import Augmenter, BatchAugmenter
from hf_dynsel.core import Selector

LR_FOLLOWS = ("epoch", "step")
LR_SCHEDULES = ("one_cycle", "multi_step")


# The base class changes its own fields' types after it is built, so they are not checked.
@no_type_check
@dataclass
class DynamicSelectionArguments(TrainingArguments):
    """The arguments of `DynamicSelectionTrainer`; everything else is as in `TrainingArguments`.

    Raises:
        ValueError: if a value is not one of those listed, or two of them contradict.
    """

    lr_follows: str = field(
        default="step",
        metadata={
            "help": "What the learning rate follows: 'step' gives every optimizer step the same "
            "stretch of the schedule; 'epoch' gives every epoch the same, as in the papers, so "
            "that whole epochs at the end, which have most of the steps, take the lowest rates."
        },
    )
    lr_schedule: str | None = field(
        default=None,
        metadata={
            "help": "'one_cycle' or 'multi_step' (milestones in epochs, taken as equally long), "
            "instead of lr_scheduler_type; lr_scheduler_kwargs go to the torch schedule."
        },
    )
    match_compute: bool = field(
        default=False,
        metadata={
            "help": "Extend the epochs until as many samples are trained as with all the data for "
            "num_train_epochs, to compare at equal compute."
        },
    )
    log_selections: bool = field(
        default=True,
        metadata={"help": "Write every epoch's samples to selections.parquet in output_dir."},
    )

    def __post_init__(self) -> None:
        for name, allowed in (("lr_follows", LR_FOLLOWS), ("lr_schedule", (None, *LR_SCHEDULES))):
            if (value := getattr(self, name)) not in allowed:
                known = ", ".join(str(choice) for choice in allowed)
                raise ValueError(f"{name} must be one of: {known}; got {value!r}")
        if self.match_compute and self.max_steps > 0:
            raise ValueError(
                "match_compute sets the length of the run, and so does "
                f"max_steps={self.max_steps}; leave one of them out"
            )
        super().__post_init__()


# It would be inherited, and HfArgumentParser would find no types in any subclass.
del DynamicSelectionArguments.__no_type_check__


def require_supported(args: Any, selector: Selector, augment: Augmenter | None = None) -> None:
    """Raises unless a trainer with these arguments can train on what the selector picks.

    Raises:
        TypeError: if they are of another class.
        ValueError: if one of them would hide the samples' losses or split a sample.
    """
    if not isinstance(args, DynamicSelectionArguments):
        raise TypeError(
            f"args must be DynamicSelectionArguments, got {type(args).__name__}: it is "
            "TrainingArguments with a few fields more. For another trainer's arguments combine "
            "both: @dataclass class Args(SFTConfig, DynamicSelectionArguments)"
        )
    weighs = type(selector).weigh is not Selector.weigh
    if args.use_liger_kernel and (selector.signals or weighs):
        raise ValueError(
            f"{type(selector).__name__} needs each sample's loss, and use_liger_kernel=True fuses "
            "them into one; set it to False, or choose a selector that needs no signals"
        )
    if args.ignore_data_skip:
        raise ValueError(
            "ignore_data_skip=True would train samples of the interrupted epoch a second time; "
            "leave it out: skipping is free here, because no sample is loaded for it"
        )
    if args.train_sampling_strategy == "batch_rebalance":
        raise ValueError(
            "train_sampling_strategy='batch_rebalance' moves samples between processes; use "
            "'random', 'sequential' (the selector's own order) or 'group_by_length'"
        )
    if args.world_size > 1 and not args.accelerator_config.even_batches:
        raise ValueError(
            "accelerator_config['even_batches'] = False gives processes different numbers of "
            "batches, and those with more wait for the others without end; set it to True. "
            "Samples that fill up the last batch are reported once"
        )
    on_device = isinstance(augment, BatchAugmenter) and augment.on_device
    if on_device and args.accelerator_config.dispatch_batches:
        raise ValueError(
            "accelerator_config['dispatch_batches'] = True cuts batches after it is noted which of "
            "their samples to augment on the device; set it to False, or on_device=False"
        )
    parallel = args.parallelism_config
    for name in ("tp_size", "cp_size", "sp_size"):
        if parallel is not None and (size := getattr(parallel, name)) > 1:
            raise ValueError(
                f"parallelism_config.{name} = {size} gives several processes the same samples, "
                "and feedback would be counted apart; use data parallelism (DDP, FSDP)"
            )
