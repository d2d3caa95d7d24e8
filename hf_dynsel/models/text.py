"""A text classifier and its tokenizer, from a local folder or the Hub."""

from collections.abc import Sequence
from pathlib import Path

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
    seed: int = 0,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Returns the pretrained encoder with a new classification head, and its tokenizer.

    Args:
        model: a folder that `save_pretrained` wrote, or a Hub id such as
            `FacebookAI/roberta-base`.
        label_names: the classes, in label order.
        revision: branch, tag or commit on the Hub; a commit makes the run reproducible.
        seed: of the head's initial weights. The caller's random numbers are not touched.

    Raises:
        ValueError: if the names are fewer than two or not all different.
        OSError: if there is no such folder or Hub id.
    """
    labels, source = label_maps(label_names), str(model)
    tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
    with seeded(seed):
        classifier = AutoModelForSequenceClassification.from_pretrained(
            source, revision=revision, ignore_mismatched_sizes=True, **labels
        )
    return classifier, tokenizer
