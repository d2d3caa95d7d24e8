"""The selection in the model card of a run: from a trainer at work, or from a run folder."""

import json
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from huggingface_hub import ModelCard
from jaxtyping import Int
from transformers import Trainer

from hf_dynsel import provenance, yaml_files
from hf_dynsel.cards.metadata import hub_id
from hf_dynsel.cards.render import save_figures
from hf_dynsel.cards.run import with_selection
from hf_dynsel.cards.run_facts import RunFacts
from hf_dynsel.data.decoded import table_of
from hf_dynsel.json_files import read_object
from hf_dynsel.report.card_figures import selection_figures
from hf_dynsel.report.picture import Picture
from hf_dynsel.report.runfolder import RECIPE, SUMMARY, read_run
from hf_dynsel.report.trace import follow
from hf_dynsel.sharing.portable import portable
from hf_dynsel.usage import gini, never_used

README = "README.md"
Counts = Int[np.ndarray, " n"]
# What `Trainer` writes of a model that comes from no repository.
FROM_NOWHERE = "is a fine-tuned version of [](https://huggingface.co/) on"
NO_SPLIT = "      split: None\n"  # and of data that do not name theirs


def write_card(trainer: Any, write: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """Writes the card of a trainer as its class does, with the selection and all tags.

    Args:
        trainer: with a selector.
        write: `create_model_card` of the base class.
        *args: for `write`.
        **kwargs: for `write`.
    """
    if not trainer.is_world_process_zero():
        return
    readme = Path(trainer.args.output_dir, README)
    tags = _tags(readme)
    if getattr(write, "__func__", None) is Trainer.create_model_card and not args:
        kwargs = {**_defaults(trainer), **kwargs}
    write(*args, **kwargs)
    if readme.is_file():
        text = readme.read_text(encoding="utf-8")
        mended = text.replace(FROM_NOWHERE, "was trained on").replace(NO_SPLIT, "")
        readme.write_text(mended, encoding="utf-8", newline="")
    add_selection(readme, facts_of_trainer(trainer), trainer.sampler.usage, tags)


def add_selection(
    readme: Path, facts: RunFacts, counts: Counts, tags: tuple[str, ...] = ()
) -> None:
    """Puts the selection into a card, in place of what was there of it, and its figures beside it.

    The card is made if missing. There are figures if matplotlib is installed.

    Args:
        readme: the card.
        facts: of the run.
        counts: epochs that each sample was used in.
        tags: more tags for the card.
    """
    figures: list[Picture] = []
    if facts.finished and find_spec("matplotlib"):
        figures = selection_figures(facts.samples_per_epoch, facts.epochs, counts)
        save_figures(figures, readme.parent)
    before = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    name = readme.resolve().parent.name
    readme.write_text(
        with_selection(before, facts, name, figures, tags), encoding="utf-8", newline=""
    )


def facts_of_trainer(trainer: Any) -> RunFacts:
    """Returns what a trainer knows of its run so far."""
    ledger, counts = trainer.ledger, trainer.sampler.usage
    return RunFacts(
        selector=type(trainer.selector).__name__,
        settings=json.loads(json.dumps(trainer.selector.config(), default=str)),
        size=trainer.pool.size,
        epochs=trainer.run_length.num_epochs,
        samples_per_epoch=list(ledger.samples_per_epoch),
        samples_forwarded=ledger.samples_forwarded,
        samples_swept=ledger.samples_swept,
        optimizer_steps=trainer.state.global_step,
        seconds=dict(ledger.seconds),
        usage=_usage(counts),
        source=_notes(trainer).get("source", {}),
        scores=_classes(trainer.pool.scores, _notes(trainer).get("scores", {})),
        seed=trainer.selector.seed,
    )


def facts_of_run(
    folder: Path, log: str | None = None, license: str | None = None
) -> tuple[RunFacts, Counts]:
    """Returns what a run folder says of a finished run, and how often each sample was used.

    Args:
        folder: of `hf-dynsel run`.
        log: repository of its selection log, for the card.
        license: of the model, for the card.

    Raises:
        FileNotFoundError: if the summary or the selections are missing.
        ValueError: if a file does not fit the others.
    """
    run = read_run(folder)
    summary, counts = run.summary, follow(run).counts
    recipe = yaml_files.parse(run.recipe, RECIPE) if run.recipe else {}
    settings = {k: v for k, v in recipe.get("selector", {}).items() if k != "name"}
    source = read_object(folder / SUMMARY).get("source") or run.score_notes.get("source") or {}
    facts = RunFacts(
        selector=summary.selector,
        settings=settings,
        size=summary.size,
        epochs=summary.epochs,
        samples_per_epoch=list(summary.samples_per_epoch),
        samples_forwarded=summary.samples_forwarded,
        samples_swept=summary.samples_swept,
        optimizer_steps=summary.optimizer_steps,
        seconds=dict(summary.seconds),
        usage=dict(summary.usage),
        results=dict(summary.eval),
        source=source,
        scores=_classes(run.scores, run.score_notes.get("scores", {})),
        recipe=portable(run.recipe) if run.recipe else "",
        log=log,
        license=license,
        seed=summary.seed,
        machine=_machine(summary.environment),
    )
    return facts, counts


def _tags(readme: Path) -> tuple[str, ...]:
    """Returns the tags of the card that is there, which `Trainer` does not always keep."""
    if not readme.is_file():
        return ()
    data: Any = ModelCard.load(readme, ignore_metadata_errors=True).data
    tags = data.get("tags") or ()
    return (tags,) if isinstance(tags, str) else tuple(tags)


def _defaults(trainer: Any) -> dict[str, Any]:
    """Returns what `Trainer` asks a model's config or a dataset for, in words a card can say.

    It fails on a model without a config, takes the path of a folder for a repository, and calls
    data that were made here "None".
    """
    source = _notes(trainer).get("source", {})
    repository = hub_id(source.get("hub_id"))
    path = getattr(getattr(trainer.model, "config", None), "_name_or_path", None)
    base = None if path is None or Path(path).exists() else hub_id(path)
    return {
        "finetuned_from": base or "",
        "dataset_tags": [repository] if repository else [],
        "dataset": [source["name"]] if source.get("name") else [],
        "dataset_args": [None],
    }


def _notes(trainer: Any) -> dict[str, Any]:
    data = table_of(trainer.train_dataset)
    return provenance.recorded(data) if isinstance(data, Dataset) else {}


def _classes(scores: Iterable[str], notes: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: notes.get(name, {}).get("class") for name in scores}


def _machine(environment: Mapping[str, Any]) -> str:
    """Returns the hardware and the versions that the speed depends on most, as far as noted."""
    devices, packages = environment.get("devices") or [], environment.get("packages") or {}
    cpus, cpu = environment.get("cpus"), environment.get("cpu")
    versions = [
        f"{name} {packages[name]}" for name in ("torch", "transformers") if name in packages
    ]
    processors = [f"{cpus} x {cpu}" if cpus else str(cpu)] if cpu else []
    return ", ".join([*map(str, devices), *processors, *versions])


def _usage(counts: Counts) -> dict[str, float]:
    if not counts.any():
        return {}
    return {"never_used": never_used(counts), "gini": gini(counts), "max": int(counts.max())}
