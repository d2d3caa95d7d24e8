"""Started by torchrun: `hf-dynsel train` in several processes.

Usage: recipe_run.py RECIPE [key.sub=value ...]
"""

import sys

from accelerate import PartialState
from accelerate.utils import DistributedType

from hf_dynsel.cli import main
from hf_dynsel.recipe import Recipe

build_arguments = Recipe.build_arguments


def sharding(recipe: Recipe):
    """Returns the trainer's arguments, after which FSDP works on a CPU, too (see fsdp_run)."""
    args = build_arguments(recipe)
    if args.fsdp:
        PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
    return args


if __name__ == "__main__":
    Recipe.build_arguments = sharding
    sys.exit(main(["train", *sys.argv[1:]]))
