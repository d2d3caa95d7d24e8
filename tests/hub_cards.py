"""Checks a card's YAML front matter by the documented rules of the Hub.

The rules are those of `hub-docs`: modelcard.md, datasetcard.md and the model-index of
`huggingface_hub.repocard_data`. The Hub's own list of licences is longer.
"""

import re
from typing import Any

import yaml

NAMED = (
    "apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m openrail++ afl-3.0 "
    "artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 "
    "cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 "
    "cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 "
    "cc-by-nc-sa-4.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 ecl-2.0 epl-1.0 "
    "epl-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc ms-pl "
    "mpl-2.0 odc-by odbl openmdw-1.0 osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl "
    "lgpl-lr llama2 llama3 gemma unknown other"
)
LICENSES = frozenset(NAMED.split())
SIZES = {
    "n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B",
    "1B<n<10B", "10B<n<100B", "100B<n<1T", "n>1T",
}  # fmt: skip
LISTS = ("tags", "task_categories", "task_ids", "language", "size_categories", "source_datasets")
REPO = re.compile(r"[\w.-]+(/[\w.-]+)?")


def faults_of(content: str, repo_type: str) -> tuple[list[str], list[str]]:
    """Returns the errors and the warnings about a card."""
    found = re.match(r"\s*---\r?\n(.*?)\r?\n---\s*(\n|$)", content, re.DOTALL)
    if not found:
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        data = yaml.safe_load(found[1])
    except yaml.YAMLError as broken:
        return [f"YAML: {broken}"], []
    if not isinstance(data, dict):
        return ["the metadata must be an object"], []
    errors = [*_simple(data), *(_model_index(data) if repo_type == "model" else _configs(data))]
    return errors, []


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _simple(data: dict[str, Any]) -> list[str]:
    errors = [
        f'"license" must be one of the known licenses, got {license!r}'
        for license in _listed(data.get("license"))
        if license not in LICENSES
    ]
    if data.get("license") == "other" and not data.get("license_name"):
        errors.append('"license_name" is required with license: other')
    for key in LISTS:
        errors += [
            f'"{key}" must hold strings, got {value!r}'
            for value in _listed(data.get(key))
            if not isinstance(value, str)
        ]
    errors += [
        f'"size_categories" has an unknown value {size!r}'
        for size in _listed(data.get("size_categories"))
        if size not in SIZES
    ]
    for key in ("base_model", "datasets"):
        errors += [
            f'"{key}" must be ids of repositories, got {value!r}'
            for value in _listed(data.get(key))
            if not (isinstance(value, str) and REPO.fullmatch(value))
        ]
    return errors


def _configs(data: dict[str, Any]) -> list[str]:
    return [
        '"configs" must hold objects with config_name and data_files'
        for config in _listed(data.get("configs"))
        if not (isinstance(config, dict) and {"config_name", "data_files"} <= config.keys())
    ]


def _model_index(data: dict[str, Any]) -> list[str]:
    errors = []
    for number, model in enumerate(_listed(data.get("model-index"))):
        where = f'"model-index[{number}]'
        if not isinstance(model, dict) or not isinstance(model.get("name"), str):
            errors.append(f'{where}.name" is required')
            continue
        for result in _listed(model.get("results")):
            needed = [
                ("task.type", result.get("task", {}).get("type")),
                ("dataset.type", result.get("dataset", {}).get("type")),
                ("dataset.name", result.get("dataset", {}).get("name")),
                ("metrics", result.get("metrics")),
            ]
            for metric in _listed(result.get("metrics")):
                needed += [("metrics.type", metric.get("type"))]
                needed += [("metrics.value", metric.get("value", ""))]
            errors += [
                f'{where}.results.{k}" is required' for k, v in needed if v in (None, "", [])
            ]
    return errors
