"""The metadata of a card: what stands in its YAML front matter, checked before it is written."""

import re
from collections.abc import Mapping
from typing import Any

from huggingface_hub import DatasetCardData, EvalResult, ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from hf_dynsel.cards.escape import one_line

LIBRARY = "hf-dynsel"
LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
)
TASKS = ("image-classification", "text-classification")


def with_front_matter(data: ModelCardData | DatasetCardData, body: str) -> str:
    """Returns a card: its metadata as YAML, then its text."""
    return f"---\n{data.to_yaml(line_break=chr(10))}\n---\n\n{body}"


def hub_id(value: Any) -> str | None:
    """Returns a repository as `user/name`, or None if the value is no such id."""
    name = str(value or "").removeprefix("hf-hub:").removeprefix("hf_hub:")
    if name.count("/") != 1 or name.startswith("."):
        return None
    try:
        validate_repo_id(name)
    except HFValidationError:
        return None
    return name


def license_fields(name: str | None) -> dict[str, Any]:
    """Returns the fields for a licence; one that is no identifier is a name of its own."""
    if not name:
        return {}
    if LICENSE.fullmatch(name) and name != "other":
        return {"license": name}
    return {"license": "other", "license_name": one_line(name)}


def model_metadata(
    repo_id: str,
    kind: str,
    license: str | None,
    base: str | list[str] | None,
    source: Mapping[str, Any],
    found: list[EvalResult],
) -> ModelCardData:
    """Returns the metadata of a model of ours.

    Args:
        repo_id: where it goes on the Hub.
        kind: of model, as a tag.
        license: of the weights.
        base: repository of the encoder, or of those, it was made for.
        source: note on its training data.
        found: measured values.
    """
    return ModelCardData(
        **license_fields(license),
        library_name=LIBRARY,
        tags=[LIBRARY, kind, "data-selection"],
        base_model=base or None,
        datasets=listed(hub_id(source.get("hub_id"))),
        model_name=repo_id.split("/")[-1],
        eval_results=found or None,
    )


def listed(value: str | None) -> list[str] | None:
    """Returns a list of one value, or None without one."""
    return None if value is None else [value]


def size_category(rows: int) -> str:
    """Returns the Hub's word for a number of rows."""
    return next((word for limit, word in SIZES if rows < limit), "10B<n<100B")


def task_of(source: Mapping[str, Any]) -> str | None:
    """Returns the task of a dataset, if its note has one that the Hub knows."""
    return task if (task := source.get("task")) in TASKS else None


def results(
    source: Mapping[str, Any], task: str, values: Mapping[str, float], split: str
) -> list[EvalResult]:
    """Returns measured values on a dataset; none for a dataset without a name."""
    if not source.get("name"):
        return []
    name = one_line(source["name"])
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return [
        EvalResult(
            task_type=task,
            dataset_type=hub_id(source.get("hub_id")) or words or "dataset",
            dataset_name=name,
            dataset_split=one_line(split),
            metric_type=one_line(metric),
            metric_name=one_line(metric).replace("_", " "),
            metric_value=value,
        )
        for metric, value in values.items()
    ]
