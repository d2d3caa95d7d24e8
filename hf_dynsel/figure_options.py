"""The options of `hf-dynsel figure NAME FOLDER...`."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hf_dynsel.figures import Request

FIGURES = {
    "mmd": "how far subsets by representativeness and by K-Center are from all data",
    "usage": "how often each sample was used, sorted, one line per run",
    "scores": "the distributions of the normalised scores",
    "examples": "the samples of a class that each score ranks highest and lowest",
    "dynamics": "the mean scores of the samples of each epoch, with alpha(t)",
    "units": "units of the sparse autoencoder that fire for a class",
    "unit_images": "the samples that activate units most, class-specific and universal",
    "codes": "a map of the codes by class, and the similarity of classes",
    "convergence": "the metric against steps and samples, of results of compare",
    "keep": "the metric against the fraction kept, of results of compare",
    "gains": "the gain over RS2 with the same whole epochs, of suites and results of compare",
}
OF_RESULTS = ("convergence", "keep", "gains")
AGAIN: Mapping[str, Any] = {"action": "append", "help": "to show; may be given several times"}


def add_figures(command: argparse.ArgumentParser) -> None:
    """Adds a command of its own for each figure, with what it can be told."""
    figures = command.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, text in FIGURES.items():
        figure = figures.add_parser(name, help=text, description=f"Draws {text}.")
        what = "of results" if name in OF_RESULTS else "of a run"
        figure.add_argument(
            "words", nargs="+", metavar="FOLDER", help=f"{what}; then key.sub=value"
        )
        figure.add_argument(
            "--output", type=Path, metavar="FOLDER", help="FOLDER/figures if not given"
        )
        figure.set_defaults(overrides=[], classes=[], methods=[], projection="umap")
        if name in ("examples", "dynamics", "units", "codes"):
            figure.add_argument("--class", dest="classes", metavar="NAME", **AGAIN)
        if name in OF_RESULTS:
            figure.add_argument("--method", dest="methods", metavar="LABEL", **AGAIN)
        if name == "codes":
            figure.add_argument("--projection", choices=["umap", "tsne"], help="of the map")


def request_of(options: argparse.Namespace) -> "Request":
    """Returns what the options of a figure ask for.

    Words with `=` that are no folder are changes of a recipe.
    """
    from hf_dynsel.figures import Request

    words = [*options.words, *options.overrides]
    folders = [word for word in words if "=" not in word or Path(word).is_dir()]
    return Request(
        options.name,
        [Path(word) for word in folders],
        [word for word in words if word not in folders],
        options.classes,
        options.methods,
        options.projection,
    )
