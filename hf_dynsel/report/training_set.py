"""The training set beside a run folder: whether it is the run's, and its class names."""

from datasets import ClassLabel, Dataset

from hf_dynsel.provenance import fingerprint, require_same
from hf_dynsel.report.runfolder import RunFolder


def require_training_set(run: RunFolder, examples: Dataset) -> None:
    """Raises ValueError if a dataset is not the one that a run was trained on, as far as known.

    Args:
        run: the run.
        examples: its training set, in its order.
    """
    if len(examples) != run.summary.size:
        raise ValueError(
            f"examples has {len(examples)} rows, but the run had {run.summary.size} samples: pass "
            "the training set of the run, in its order"
        )
    if noted := run.score_notes.get("dataset_fingerprint"):
        require_same("the dataset fingerprint", noted, fingerprint(examples))


def class_names(run: RunFolder, examples: Dataset | None) -> list[str]:
    """Returns the name of each class of a run, from its training set if that knows it."""
    feature = None if examples is None else examples.features.get(run.label)
    if isinstance(feature, ClassLabel):
        return [str(feature.int2str(number)) for number in run.classes]
    return [name if isinstance(name, str) else f"class {name}" for name in run.classes]
