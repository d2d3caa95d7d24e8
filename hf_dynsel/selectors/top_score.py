"""One fixed subset: the samples with the highest score."""

from dataclasses import dataclass
from typing import Literal

from hf_dynsel.core import Selection, Selector, check_keep
from hf_dynsel.selectors.checks import check_choice
from hf_dynsel.selectors.ranking import top


@dataclass
class TopScore(Selector):
    """Trains every epoch on the samples with the highest value in one score column.

    This turns any static score (EL2N, entropy, forgetting, ...) into a selector.

    Args:
        score: name of the column; higher means more worth keeping.
        keep: fraction of the pool.
        tie_break: `index` prefers the lower row; `random` draws once per seed, for scores with
            many ties in data sorted by class.
    """

    score: str = "el2n"
    keep: float = 0.3
    tie_break: Literal["index", "random"] = "index"

    def allocate(self) -> None:
        """Checks the hyperparameters and that the pool has the column."""
        check_keep(self.keep)
        check_choice("tie_break", self.tie_break, ("index", "random"))
        self.pool.score(self.score)

    def select(self, epoch: int) -> Selection:
        """Returns the subset, the same at every epoch."""
        rng = self.rng(0) if self.tie_break == "random" else None
        return Selection(top(self.pool.score(self.score), self.budget(self.keep), rng))

    def planned_size(self, epoch: int) -> int:
        """Returns the budget."""
        return self.budget(self.keep)
