"""A text classifier and its tokenizer, from a local folder or the Hub."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from hf_dynsel.models.labels import label_maps
from hf_dynsel.models.seeding import seeded


def text_classifier(
    model: str | Path,
    *,
    label_names: Sequence[str],
    revision: str | None = None,
    frozen_layers: int = 0,
    seed: int = 0,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Returns the pretrained encoder with a new classification head, and its tokenizer.

    Args:
        model: a folder that `save_pretrained` wrote, or a Hub id such as
            `FacebookAI/roberta-base`.
        label_names: the classes, in label order.
        revision: branch, tag or commit on the Hub; a commit makes the run reproducible.
        frozen_layers: how many layers, from the first, keep their pretrained weights, and the
            embeddings with them; zero trains everything.
        seed: of the head's initial weights. The caller's random numbers are not touched.

    Raises:
        ValueError: if the names are fewer than two or not all different, or the encoder has not
            so many layers.
        OSError: if there is no such folder or Hub id.
    """
    labels, source = label_maps(label_names), str(model)
    tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
    with seeded(seed):
        classifier = AutoModelForSequenceClassification.from_pretrained(
            source, revision=revision, ignore_mismatched_sizes=True, **labels
        )
    if frozen_layers:
        _freeze(classifier, frozen_layers)
    return classifier, tokenizer


def _freeze(classifier: PreTrainedModel, count: int) -> None:
    base = classifier.base_model
    stacks = [part for part in base.modules() if isinstance(part, nn.ModuleList)]
    layers = max(stacks, key=len, default=nn.ModuleList())
    if not 0 < count <= len(layers):
        raise ValueError(
            f"frozen_layers must be from 0 to the encoder's {len(layers)} layers, got {count}"
        )
    words = base.get_input_embeddings()
    around = next(p for p in base.modules() if any(child is words for child in p.children()))
    for part in (words if around is base else around, *layers[:count]):
        part.requires_grad_(False)
