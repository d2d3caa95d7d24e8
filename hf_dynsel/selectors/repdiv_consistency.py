"""Representative and diverse samples as far as image and text agree; sparse ones are augmented."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.core import Feedback, Pool, Selection, check_keep
from hf_dynsel.scaling import minmax
from hf_dynsel.selectors.checks import check_fraction
from hf_dynsel.selectors.class_quota import Quota
from hf_dynsel.selectors.live_density import LiveDensity, scaled_consistency
from hf_dynsel.selectors.ranking import top
from hf_dynsel.selectors.repdiv import RepDiv
from hf_dynsel.selectors.schedules import full_epochs


@dataclass
class RepDivConsistency(LiveDensity):
    """Selects as `RepDiv` with both scores times the consistency; augments the sparse part.

    Of the samples that it selects, the given fraction is marked for light augmentation: those in
    the sparsest regions of the features of the model that is being trained, from the second epoch
    on. Epochs on the whole pool mark none.

    Args:
        keep: fraction of the pool in each epoch before the full ones.
        representativeness: score column of what is common. None counts as zero.
        diversity: score column of what is rare. None counts as zero.
        consistency: score column of how far image and label text agree.
        augment: fraction of the selected samples that is marked. With 0 nothing is looked at.
        penalty: weight of the use so far, as in `RepDiv`.
        alpha: a constant weight of representativeness, in place of the schedule.
        refine: fraction of the run, rounded up to epochs, that trains on the whole pool at the end.
        quota: how the budget is split over classes: `equal`, `proportional` or `none`.

    Reference:
        Ours: it joins Zhou et al., arXiv 2603.04981 (see `RepDiv`), and Yang et al., arXiv
        2505.03809 (see `DensityConsistency`), each of which names the other's idea as future
        work. Scores are scaled to [0, 1] before and after they are multiplied.
    """

    keep: float = 0.3
    representativeness: str | None = "representativeness"
    diversity: str | None = "diversity"
    consistency: str = "consistency"
    augment: float = 0.5
    penalty: float = 0.2
    alpha: float | None = None
    refine: float = 0.15
    quota: Quota = "equal"
    usage: Int[np.ndarray, " n"] = field(init=False, repr=False, compare=False)

    def allocate(self) -> None:
        """Multiplies the scores and sets all use to zero."""
        check_keep(self.keep)
        check_fraction("augment", self.augment, "the fraction of the selected that is augmented")
        if self.representativeness is None and self.diversity is None:
            raise ValueError(
                "representativeness and diversity are both None, so that consistency multiplies "
                "nothing; name a score column, or use DensityConsistency"
            )
        self._allocate_density()
        self._repdiv = RepDiv(
            seed=self.seed,
            representativeness=self.representativeness,
            diversity=self.diversity,
            keep=self.keep,
            penalty=self.penalty,
            alpha=self.alpha,
            refine=self.refine,
            quota=self.quota,
        )
        names = [name for name in (self.representativeness, self.diversity) if name is not None]
        scores = {name: self._times_consistency(name) for name in names}
        self._repdiv.setup(Pool(self.pool.size, scores, self.pool.labels), self.num_epochs)
        self.usage = self._repdiv.usage  # one array: what a checkpoint restores, both see

    def density_epochs(self) -> range:
        """Returns the selecting epochs after the first, unless nothing is augmented."""
        refined = full_epochs(self.refine, self.num_epochs)
        return range(1 if self.augment else self.num_epochs, self.num_epochs - refined)

    def sweep_signals(self) -> frozenset[str]:
        """Returns what a look must report."""
        return frozenset({"features"})

    def augments(self) -> bool:
        """Returns whether some of the selected samples are marked."""
        return self.augment > 0

    def select(self, epoch: int) -> Selection:
        """Returns what `RepDiv` selects, its sparsest part marked for augmentation."""
        chosen = self._repdiv.select(epoch).indices
        if epoch not in self.density_epochs():
            return Selection(chosen)
        marks = np.zeros(len(chosen), bool)
        marks[top(self.distances[chosen], round(self.augment * len(chosen)))] = True
        return Selection(chosen, augment=marks)

    def planned_size(self, epoch: int) -> int:
        """Returns the budget, or the size of the pool in a full epoch."""
        return self._repdiv.planned_size(epoch)

    def observe(self, feedback: Feedback) -> None:
        """Measures the density anew after a look, or counts the use of what was trained."""
        self._observe_density(feedback)
        if not feedback.swept:
            self._repdiv.observe(feedback)

    def diagnostics(self, epoch: int) -> Mapping[str, float]:
        """Returns the weight of representativeness, and the last search's recall and seconds."""
        return {**self._repdiv.diagnostics(epoch), **self.search_numbers()}

    def _times_consistency(self, name: str) -> Float[np.ndarray, " n"]:
        own = minmax(self.pool.score(name))
        both: Float[np.ndarray, " n"] = own * scaled_consistency(self.pool, self.consistency)
        return both
