"""Checks the section of a recipe that says what is collected of proxy models."""

from collections.abc import Iterator, Mapping
from typing import Any

from hf_dynsel import scores
from hf_dynsel.section_checks import exported, optional, typed
from hf_dynsel.signatures import faults, unknown

PROXY_COLUMNS = ("proxy_features", "proxy_error")
KINDS = {"epochs": int, "runs": int, "vectors": bool, "scores": dict[str, Any]}


def proxy_faults(content: Mapping[str, Any]) -> Iterator[str]:
    """Yields what is wrong with the section `proxy`."""
    section = optional(content, "proxy")
    if content.get("proxy") is None:
        return
    yield from typed(section, "proxy", KINDS)
    for key in section:
        if key not in KINDS:
            yield unknown(key, list(KINDS), f"proxy.{key}", "the section 'proxy'")
    for key in ("epochs", "runs"):
        if isinstance(section.get(key), int) and section[key] < 1:
            yield f"proxy.{key}: must be at least 1, got {section[key]}"
    if optional(content, "trainer").get("lr_scheduler_type") == "reduce_lr_on_plateau":
        yield "trainer.lr_scheduler_type: a proxy has no evaluation to plateau; choose another"
    if not (section.get("scores") or section.get("vectors")):
        yield "proxy: collects nothing; add scores, or vectors: true, or leave the section out"
    yield from _scores(optional(section, "scores"), optional(content, "scores"))


def build_scores(section: Mapping[str, Any]) -> list[Any]:
    """Returns the scores of a section, by whose class names it has settings.

    Raises:
        ValueError: if a setting is out of range.
    """
    if "from" in section:
        return []
    return [_build(name, settings or {}) for name, settings in section.items()]


def _build(name: str, settings: Mapping[str, Any]) -> Any:
    # YAML has lists for tuples.
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    return getattr(scores, name)(**given)


def collectable() -> dict[str, Any]:
    """Returns the scores that can be collected of a training, by name."""
    plain = exported(scores, scores.Score)
    of_features = {name: kind for name, kind in plain.items() if kind.columns == ("features",)}
    return {**exported(scores, scores.TrainingScore), **of_features}


def _scores(section: Mapping[str, Any], computed: Mapping[str, Any]) -> Iterator[str]:
    known = collectable()
    for name, settings in section.items():
        if name not in known:
            yield unknown(name, list(known), f"proxy.scores.{name}", "hf_dynsel")
        else:
            settings = {} if settings is None else settings
            yield from faults(settings, known[name], f"proxy.scores.{name}")
        if name in computed:
            yield f"proxy.scores.{name}: is in the section 'scores', too; leave one of them out"
