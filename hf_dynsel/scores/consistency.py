"""The score that favours samples which agree with the text of their class."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.base import Columns, Score

COSINE = "features_cosine"


@final
@dataclass(frozen=True, kw_only=True)
class Consistency(Score):
    """Takes the cosine between the adapted features of a sample and of its class's text.

    A wrong label, and an image that does not show its class, score low.

    Reference:
        Yang et al., "When Dynamic Data Selection Meets Data Augmentation", ICML 2025,
        arXiv 2505.03809: p_con, computed once before training with CLIP and fine-tuned adapters.
        That it is put on the scale from 0 to 1 by its range is ours.
    """

    name: ClassVar[str] = "consistency"
    columns: ClassVar[tuple[str, ...]] = (COSINE,)

    def compute(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the cosine of each sample; the labels are in it already."""
        return columns[COSINE].astype(np.float64)
