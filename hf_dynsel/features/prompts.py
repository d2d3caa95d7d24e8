"""Says in words what the classes are: templates filled with class names or descriptions."""

from collections.abc import Mapping, Sequence
from typing import Literal

from datasets import ClassLabel, Dataset

from hf_dynsel import extras

Templates = Sequence[str] | Literal["openai"]
IMAGE_TEMPLATES = ("a photo of a {}.",)
TEXT_TEMPLATES = ("a text about {}.",)
PLACE = "{}"


def class_names(dataset: Dataset, label: str = "label") -> tuple[str, ...]:
    """Returns the names that a class column declares.

    Raises:
        ValueError: if there is no such column, or it has no class names.
    """
    if label not in dataset.column_names:
        raise ValueError(
            f"the dataset has no column '{label}' (it has: {', '.join(dataset.column_names)}); "
            "pass the name of the class column as label"
        )
    kind = dataset.features[label]
    if not isinstance(kind, ClassLabel):
        raise ValueError(
            f"column '{label}' is {kind}, so its classes have no names; cast it to "
            "datasets.ClassLabel(names=[...]), or strings with dataset.class_encode_column"
        )
    return tuple(kind.names)


def resolve_templates(templates: Templates) -> tuple[str, ...]:
    """Returns templates with one place for the class each.

    Args:
        templates: the templates; or "openai" for the 80 of open_clip, made for ImageNet.

    Raises:
        ValueError: if there is none, or one has not exactly one `{}`.
    """
    if templates == "openai":
        metadata = extras.require("open_clip.zero_shot_metadata", "clip")
        return tuple(template(PLACE) for template in metadata.OPENAI_IMAGENET_TEMPLATES)
    if isinstance(templates, str) or not templates:
        raise ValueError(
            f"templates must be a list such as {list(IMAGE_TEMPLATES)} or 'openai', "
            f"got {templates!r}"
        )
    for template in templates:
        if template.count(PLACE) != 1:
            raise ValueError(
                f"template {template!r} has {template.count(PLACE)} places for the class; write "
                f"{PLACE} once, as in {IMAGE_TEMPLATES[0]!r}"
            )
    return tuple(templates)


def class_words(
    names: Sequence[str], descriptions: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Returns what stands for each class in the templates: its description, or else its name.

    Raises:
        ValueError: if a description is of no class, or a class has an empty one or an empty name,
            or two classes have the same words.
    """
    given = descriptions or {}
    if unknown := sorted(given.keys() - set(names)):
        raise ValueError(
            f"descriptions: there is no class '{unknown[0]}'; the classes are {', '.join(names)}"
        )
    words = tuple(given.get(name, name).strip() for name in names)
    first: dict[str, str] = {}
    for place, (name, word) in enumerate(zip(names, words, strict=True)):
        if not word:
            empty = "description" if name in given else "name"
            raise ValueError(
                f"class {place} ('{name}') has an empty {empty}, which says nothing to an encoder; "
                "describe it in descriptions"
            )
        if word in first:
            raise ValueError(
                f"classes '{first[word]}' and '{name}' are both described as '{word}', so their "
                "texts are the same; give one another description"
            )
        first[word] = name
    return words
