"""Started by torchrun: each process has a cache of its own."""

import os
import sys

from accelerate import PartialState

from hf_dynsel.stage_cache import require_shared

if __name__ == "__main__":
    state = PartialState(cpu=True)
    os.environ["HF_DYNSEL_CACHE"] = f"{sys.argv[1]}/{state.process_index}"
    require_shared()
