"""The files of a shared run, by name, and the checks that each must pass before use."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from hf_dynsel import yaml_files
from hf_dynsel.json_files import MOST_BYTES, read_object
from hf_dynsel.report.runfolder import RECIPE, SUMMARY
from hf_dynsel.report.summary import Summary

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
MOST_WEIGHTS = 64 * 2**30  # bytes of one file
MOST_TEXT = 2**20
# What a tokenizer or an image processor is saved as: data, none of them code.
PROCESSING: Mapping[str, int] = MappingProxyType(
    {
        "added_tokens.json": MOST_BYTES,
        "merges.txt": MOST_BYTES,
        "preprocessor_config.json": MOST_TEXT,
        "processor_config.json": MOST_TEXT,
        "sentencepiece.bpe.model": MOST_BYTES,
        "special_tokens_map.json": MOST_BYTES,
        "spiece.model": MOST_BYTES,
        "tokenizer.json": 8 * MOST_BYTES,
        "tokenizer.model": MOST_BYTES,
        "tokenizer_config.json": MOST_BYTES,
        "vocab.json": MOST_BYTES,
        "vocab.txt": MOST_BYTES,
    }
)
SMALL: Mapping[str, int] = MappingProxyType(
    {CONFIG: MOST_TEXT, "generation_config.json": MOST_TEXT, INDEX: MOST_BYTES, **PROCESSING}
)
RECORDS: Mapping[str, int] = MappingProxyType({SUMMARY: MOST_BYTES, RECIPE: MOST_TEXT})


def model_files(folder: Path) -> dict[str, Path]:
    """Returns the files of a saved model by name, and none that is not known to be one.

    Raises:
        ValueError: if the config or the weights are missing, or the config names code.
    """
    names = [*SMALL, *weight_files(folder)]
    found = {name: folder / name for name in names if (folder / name).is_file()}
    if CONFIG not in found:
        raise ValueError(f"'{folder}' has no {CONFIG}; it is no model that save_pretrained wrote")
    for name in (CONFIG, "tokenizer_config.json", "preprocessor_config.json"):
        if name in found and "auto_map" in read_object(found[name]):
            raise ValueError(
                f"{found[name]} has an 'auto_map', which names code to run; only models of "
                "transformers itself are shared"
            )
    return found


def weight_files(folder: Path) -> list[str]:
    """Returns the names of the weights, one file or as many as the index lists.

    Raises:
        ValueError: if they are missing, or the index names a file that is no part of a model.
    """
    if not (folder / INDEX).is_file():
        if not (folder / WEIGHTS).is_file():
            raise ValueError(f"'{folder}' has no {WEIGHTS} and no {INDEX}; save the model again")
        return [WEIGHTS]
    shards = shards_of(folder / INDEX)
    if missing := [name for name in shards if not (folder / name).is_file()]:
        raise ValueError(f"'{folder}' has no {missing[0]}, which its {INDEX} lists")
    return shards


def shards_of(index: Path) -> list[str]:
    """Returns the names of the parts that an index lists.

    Raises:
        ValueError: if one is no such name.
    """
    listed = read_object(index).get("weight_map")
    names = sorted(set(map(str, listed.values()))) if isinstance(listed, dict) else []
    if not names or (wrong := [name for name in names if not SHARD.fullmatch(name)]):
        raise ValueError(
            f"{index} lists {wrong[0] if names else 'nothing'!r} as a part of the weights; parts "
            "are called model-00001-of-00002.safetensors"
        )
    return names


def check_run(folder: Path) -> None:
    """Checks the files of a run that anyone may have written; none is executed.

    Raises:
        ValueError: if one is missing or damaged, or does not hold what it should.
    """
    for name, path in model_files(folder).items():
        if name.endswith(".safetensors"):
            _check_tensors(path)
        elif name.endswith(".json") and name not in PROCESSING:
            read_object(path)
    check_records(folder)


def check_records(folder: Path) -> None:
    """Checks the summary and, if it is there, the recipe of a run.

    Raises:
        ValueError: if one does not hold what it should.
    """
    check_summary(folder / SUMMARY)
    if (folder / RECIPE).is_file():
        _check_recipe(folder / RECIPE)


def check_summary(path: Path) -> None:
    """Checks a `summary.json`.

    Raises:
        ValueError: if a value is missing or of another type, or a count cannot be.
    """
    if not path.is_file():
        raise ValueError(f"there is no {path}; a finished run of `hf-dynsel run` has one")
    content = read_object(path)
    try:
        found = TypeAdapter(Summary).validate_python(content)
    except ValidationError as wrong:
        raise ValueError(f"{path}: {'; '.join(_faults(wrong))}") from wrong
    counts = [found.epochs, found.samples_trained, found.samples_full, *found.samples_per_epoch]
    if min(counts) < 1 or len(found.samples_per_epoch) != found.epochs:
        raise ValueError(
            f"{path}: a run of {found.epochs} epochs cannot have samples_per_epoch "
            f"{list(found.samples_per_epoch)[:10]}"
        )


def _faults(wrong: ValidationError) -> Iterator[str]:
    for fault in wrong.errors(include_url=False)[:5]:
        yield f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def _check_recipe(path: Path) -> None:
    try:
        content: Any = yaml_files.read(path)
    except (RecursionError, UnicodeDecodeError) as wrong:
        raise ValueError(
            f"{path} is no recipe: it nests too deeply, or is no text in UTF-8"
        ) from wrong
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise ValueError(f"{path} is no recipe: it must hold keys and values, and a name")


def _check_tensors(path: Path) -> None:
    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
    except SafetensorError as broken:
        raise ValueError(
            f"{path} is damaged or not a safetensors file ({broken}); save or download it again"
        ) from broken
    if not names:
        raise ValueError(f"{path} holds no weights; save the model again")
