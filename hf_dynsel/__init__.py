"""Dynamic data selection for the Hugging Face stack: train on a better subset every epoch.

What needs Torch or transformers is imported when first asked for, so that the core, the
selectors and the simulator start at once.
"""

import importlib
from typing import TYPE_CHECKING, Any

from hf_dynsel.core import Feedback as Feedback
from hf_dynsel.core import Pool as Pool
from hf_dynsel.core import Selection as Selection
from hf_dynsel.core import Selector as Selector
from hf_dynsel.core import Sweep as Sweep
from hf_dynsel.simulate import simulate as simulate

if TYPE_CHECKING:
    from hf_dynsel.arguments import DynamicSelectionArguments as DynamicSelectionArguments
    from hf_dynsel.augment import Augmenter as Augmenter
    from hf_dynsel.collect import CollectScores as CollectScores
    from hf_dynsel.loop import train as train
    from hf_dynsel.mixing import Mixing as Mixing
    from hf_dynsel.sae import SparseAutoencoder as SparseAutoencoder
    from hf_dynsel.sampler import SelectionSampler as SelectionSampler
    from hf_dynsel.scores import add_scores as add_scores
    from hf_dynsel.scores import attach as attach
    from hf_dynsel.scores import load_scores as load_scores
    from hf_dynsel.sharing import push_scores as push_scores
    from hf_dynsel.streaming import keep_stream as keep_stream
    from hf_dynsel.streaming import score_stream as score_stream
    from hf_dynsel.trainer import DynamicSelectionMixin as DynamicSelectionMixin
    from hf_dynsel.trainer import DynamicSelectionTrainer as DynamicSelectionTrainer
    from hf_dynsel.trivial_augment import TrivialAugmentWide as TrivialAugmentWide

__version__ = "0.1.0"

_LATER = {
    "Augmenter": "hf_dynsel.augment",
    "CollectScores": "hf_dynsel.collect",
    "DynamicSelectionArguments": "hf_dynsel.arguments",
    "DynamicSelectionMixin": "hf_dynsel.trainer",
    "DynamicSelectionTrainer": "hf_dynsel.trainer",
    "Mixing": "hf_dynsel.mixing",
    "SelectionSampler": "hf_dynsel.sampler",
    "SparseAutoencoder": "hf_dynsel.sae",
    "TrivialAugmentWide": "hf_dynsel.trivial_augment",
    "add_scores": "hf_dynsel.scores",
    "attach": "hf_dynsel.scores",
    "keep_stream": "hf_dynsel.streaming",
    "load_scores": "hf_dynsel.scores",
    "push_scores": "hf_dynsel.sharing",
    "score_stream": "hf_dynsel.streaming",
    "train": "hf_dynsel.loop",
}

__all__ = [
    "Augmenter",
    "CollectScores",
    "DynamicSelectionArguments",
    "DynamicSelectionMixin",
    "DynamicSelectionTrainer",
    "Feedback",
    "Mixing",
    "Pool",
    "Selection",
    "SelectionSampler",
    "Selector",
    "SparseAutoencoder",
    "Sweep",
    "TrivialAugmentWide",
    "add_scores",
    "attach",
    "keep_stream",
    "load_scores",
    "push_scores",
    "score_stream",
    "simulate",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'hf_dynsel' has no attribute '{name}'")
    return getattr(importlib.import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return __all__
