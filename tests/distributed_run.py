"""Started by torchrun: trains all cases, and goes on with the runs of other numbers of processes.

Usage: distributed_run.py FOLDER [FOLDER_OF_OTHER_LAUNCH ...]
"""

import gc
import sys
from pathlib import Path

if __name__ == "__main__":  # spawned workers import this file too, and need none of the rest
    from distributed_training import train_all

    gc.freeze()  # each training collects garbage, and would search what the imports left
    try:
        train_all(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
    finally:
        gc.unfreeze()
