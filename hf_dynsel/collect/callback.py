"""`CollectScores`: reads scores off ordinary trainings, all of them in one pass."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback

from hf_dynsel.collect.collecting import Collecting
from hf_dynsel.collect.columns import VECTORS, add_columns, add_vectors, require_rows
from hf_dynsel.collect.runs import Collectable, Content, Runs
from hf_dynsel.core import Selector
from hf_dynsel.data.decoded import table_of
from hf_dynsel.scores.base import Score
from hf_dynsel.scores.columns import find_label
from hf_dynsel.scores.training_score import TrainingScore


class CollectScores(TrainerCallback):
    """Collects scores that need a trained model, while it trains.

        collect = CollectScores([EL2N(epochs=(2,)), Forgetting(), AUM()])
        trainer = DynamicSelectionTrainer(..., selector=FullData(), callbacks=[collect])
        trainer.train()
        scored = collect.add_to(dataset)

    One object may be given to several trainings, from different seeds, one after another: scores
    are the means over those that ended. A training that was interrupted and resumes counts as
    one. Looks at the whole pool are counted as swept samples in the ledger, and are of the clean
    dataset; what is reported in training is of the samples as they are trained on, augmented and
    mixed if they are. The training is the same as without collecting.

    Args:
        scores: what to collect. Scores that read the column `features` alone are computed from
            the features of the trained model, as it is after the last step.
        vectors: whether `add_to` also adds `proxy_features`, what the classifier head of the
            trained model receives, and `proxy_error`, the predicted probabilities minus the
            one-hot label. Of several trainings they are of the last.

    Raises:
        ValueError: if there is nothing to collect, two scores have one name, or a score reads
            columns that no training gives.
        TypeError: if one is not a score.
    """

    def __init__(self, scores: Sequence[Collectable], *, vectors: bool = False) -> None:
        _check(scores, vectors)
        self.scores, self.vectors = list(scores), vectors
        self._runs = Runs()
        self._content = Content(None)
        self._running: Collecting | None = None

    @property
    def runs(self) -> int:
        """Trainings that have ended so far, over which scores are averaged."""
        self._take_in()
        return len(self._runs.facts)

    def watch(self, selector: Selector, dataset: Any = None) -> Selector:
        """Returns a selector that selects the same and collects; the trainer calls it by itself.

        A training that was watched before and did not end is forgotten.

        Args:
            selector: of the next training.
            dataset: its training set, by which another one is told apart. Without it, only rows
                and classes are compared.

        Raises:
            ValueError: if the selector chooses inside of batches.
        """
        self._take_in()
        training = [score for score in self.scores if isinstance(score, TrainingScore)]
        after = set(VECTORS) if self.vectors else set()
        if len(training) < len(self.scores):
            after.add("features")

        if dataset is not self._content.dataset:  # its hash is known else
            self._content = Content(dataset)
        admit = partial(self._runs.admit, content=self._content)
        self._running = Collecting(selector, training, frozenset(after), admit)
        return self._running

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        """Notes that the training ended, perhaps before its last epoch."""
        if self._running is not None:
            self._running.complete = True

    def add_to(
        self, dataset: Dataset, *, label: str | None = "label", same_rows: bool = False
    ) -> Dataset:
        """Returns a dataset with what was collected: `score_<name>`, and vectors if asked for.

        The provenance of each score is noted as by `add_scores`, with the number of trainings.

        Args:
            dataset: of the rows that were trained on, in their order.
            label: its class column, as for `add_scores`.
            same_rows: whether it may hold the rows in another form than they were trained in.

        Raises:
            ValueError: if no training has ended, or the rows are others.
        """
        if self.runs == 0:
            raise ValueError(
                "no training has ended from which scores were collected; pass this object among "
                "the callbacks of a DynamicSelectionTrainer and train, or train with "
                "hf_dynsel.train and selector=collect.watch(selector)"
            )
        label = find_label(dataset, label)
        require_rows(dataset, self._runs, label, same_rows)
        dataset = add_columns(dataset, self.scores, self._runs, label)
        return add_vectors(dataset, self._runs) if self.vectors else dataset

    def save(self, file: str | Path) -> None:
        """Writes what was collected so far, to a safetensors file that `include` reads."""
        self._take_in()
        self._runs.save(Path(file), vectors=self.vectors)

    def include(self, file: str | Path) -> None:
        """Adds the trainings that a `CollectScores` of the same scores saved.

        Raises:
            ValueError: if they were on rows of other classes.
        """
        self._take_in()
        self._runs.include(Path(file))

    def _take_in(self) -> None:
        """Adds the run that was watched last, once it has ended."""
        if self._running is not None and self._running.complete:
            run, self._running = self._running, None
            self._runs.add(run, self.scores, self._content)
            if not self.vectors:
                self._runs.seen = {}


def collecting(selector: Selector, callbacks: Iterable[TrainerCallback], dataset: Any) -> Selector:
    """Returns the selector of a training, watched by the `CollectScores` among its callbacks.

    Raises:
        ValueError: if there is more than one.
    """
    found = [callback for callback in callbacks if isinstance(callback, CollectScores)]
    if len(found) > 1:
        raise ValueError(
            f"{len(found)} CollectScores are among the callbacks; give all scores to one of them"
        )
    return found[0].watch(selector, table_of(dataset)) if found else selector


def _check(scores: Sequence[Collectable], vectors: bool) -> None:
    for score in scores:
        if not isinstance(score, Score | TrainingScore):
            raise TypeError(f"scores must be objects such as EL2N(), got {score!r}")
        if isinstance(score, Score) and score.columns != ("features",):
            raise ValueError(
                f"score '{score.name}' reads {', '.join(score.columns)}, which no training gives; "
                "compute it with add_scores"
            )
    names = [score.name for score in scores]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the scores {twice} are given twice, but a dataset has one column each")
    if not scores and not vectors:
        raise ValueError("there is nothing to collect; give scores, or set vectors=True")
