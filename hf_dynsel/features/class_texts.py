"""Encodes the words for each class: one text feature per class, averaged over templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from jaxtyping import Float
from torch import Tensor

from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.frozen import frozen
from hf_dynsel.features.prompts import (
    IMAGE_TEMPLATES,
    PLACE,
    Templates,
    class_words,
    resolve_templates,
)

BATCH_SIZE = 256  # prompts


@dataclass(frozen=True)
class ClassTexts:
    """The classes of a dataset as an encoder of texts sees them.

    Args:
        names: of the classes, in the order of their numbers.
        words: what stands for each class in the templates.
        templates: sentences with one place for a class.
        encoder: the identity of the encoder.
        features: one vector of unit length per class.
        share_cut: fraction of the filled templates that the encoder cut.
    """

    names: tuple[str, ...]
    words: tuple[str, ...]
    templates: tuple[str, ...]
    encoder: Mapping[str, Any]
    features: Float[Tensor, "classes d"]
    share_cut: float = 0.0


def class_texts(
    names: Sequence[str],
    backbone: Backbone,
    *,
    templates: Templates = IMAGE_TEMPLATES,
    descriptions: Mapping[str, str] | None = None,
    device: torch.device | str | None = None,
) -> ClassTexts:
    """Returns one text feature per class: the mean over its prompts, all at unit length.

    Args:
        names: of the classes, as `class_names` reads them from a dataset.
        backbone: an encoder of the column "text", such as TransformersText or OpenClipText.
        templates: sentences with `{}` for the class; or "openai" for the 80 that open_clip has.
        descriptions: what stands for a class in place of its name, by name. Classes that are
            left out keep their names.
        device: where to encode. None takes CUDA where there is one.

    Raises:
        ValueError: if a class has no words or no words of its own, or a template no place for
            them.

    Reference:
        Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
        ICML 2021, section 3.1.4: embeddings of several prompts are averaged.
    """
    words, filled = class_words(names, descriptions), resolve_templates(templates)
    prompts = [template.replace(PLACE, word) for word in words for template in filled]
    rows = Dataset.from_dict({"text": prompts})
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    features = F.normalize(_encode(rows, backbone, where), dim=1)
    means = features.reshape(len(words), len(filled), -1).mean(dim=1)
    return ClassTexts(
        tuple(names),
        words,
        filled,
        backbone.identity(),
        F.normalize(means, dim=1),
        backbone.share_cut or 0.0,
    )


def _encode(rows: Dataset, backbone: Backbone, device: torch.device) -> Float[Tensor, "n d"]:
    view = backbone.view(rows)
    backbone.prepare(rows)
    encoded = []
    with frozen(backbone.module, device):
        for start in range(0, len(view), BATCH_SIZE):
            stop = min(start + BATCH_SIZE, len(view))
            batch = backbone.collate(view.__getitems__(list(range(start, stop))))
            inputs = {name: tensor.to(device) for name, tensor in batch.items()}
            encoded.append(backbone.encode(inputs).float().cpu())
    return torch.cat(encoded)
