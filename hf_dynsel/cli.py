"""The command `hf-dynsel VERB RECIPE [key.sub=value ...]`."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import datasets
from transformers.utils import logging as transformers_logging

from hf_dynsel.bench_options import add_bench
from hf_dynsel.commands import COMMANDS
from hf_dynsel.figure_options import add_figures

VERBS = {
    "run": "all stages of a recipe: data, scores, training, evaluation and report",
    "score": "data, features, sparse autoencoder and scores of a recipe",
    "train": "the same as run, without the report",
    "compare": "methods, seeds and budgets of a recipe, or of each of a suite, under one rule",
    "tune": "a search for the parameters of a recipe's selector, on validation data",
    "simulate": "steps, samples, saving, use and memory of a selection; or the lengths of a suite",
    "report": "the report of a run folder, again; or the table of a comparison, a suite or results",
    "figure": "a figure of the papers, of any run or folder of results, with its numbers",
    "push": "scores, autoencoder, adapters or all of a run to the Hugging Face Hub",
    "pull": "the same from the Hub into a folder, every file checked",
    "list": "selectors, scores, backbones, loaders, recipes and suites",
    "env": "versions and hardware, for bug reports",
    "bench": "the cost of a part: the search for neighbours, or each selector and score",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status: 0, 2 after bad input, 128 + n after signal n."""
    parser = _parser()
    options, rest = parser.parse_known_args(argv)
    _take_overrides(parser, options, rest)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    first = os.environ.get("RANK", "0") == "0"  # of the processes of a launcher
    logging.getLogger("hf_dynsel").setLevel(logging.INFO if first else logging.WARNING)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        with _terminable():
            COMMANDS[options.verb](options)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"hf-dynsel: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(
            "hf-dynsel: interrupted; finished stages are kept, and `--resume` goes on from the "
            "last checkpoint; compare and tune go on when they are called again",
            file=sys.stderr,
        )
        return 128 + int(*stop.args or (signal.SIGINT,))
    return 0


@contextmanager
def _terminable() -> Iterator[None]:
    """Makes SIGTERM an interrupt like Ctrl-C, so that the processes that were started end, too."""
    if threading.current_thread() is not threading.main_thread():
        yield  # the others cannot set what a signal does
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would leave processes running
    raise KeyboardInterrupt(number)


def _take_overrides(
    parser: argparse.ArgumentParser, options: argparse.Namespace, rest: Sequence[str]
) -> None:
    """Adds overrides that stand behind an option, which argparse leaves over."""
    wrong = [word for word in rest if word.startswith("-") or "=" not in word]
    if wrong or (rest and not hasattr(options, "overrides")):
        parser.error(f"unknown arguments: {' '.join(wrong or rest)}")
    if rest:
        options.overrides += rest
    if options.verb == "compare":  # `--only` takes what follows it, overrides too
        options.overrides += [word for word in options.only if "=" in word]
        options.only = [word for word in options.only if "=" not in word]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hf-dynsel", description="Train on a better subset every epoch."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in VERBS.items():
        command = verbs.add_parser(verb, help=text, description=text[0].upper() + text[1:] + ".")
        if verb in ("run", "score", "train", "compare", "tune", "simulate"):
            command.add_argument(
                "recipe", type=Path, help="a YAML file, for compare and simulate also of a suite"
            )
            command.add_argument("overrides", nargs="*", metavar="key.sub=value")
        if verb in ("run", "train"):
            command.add_argument("--resume", action="store_true", help="from the last checkpoint")
        if verb == "compare":
            jobs = "runs at once; by default one per CUDA device"
            command.add_argument("--jobs", type=int, help=jobs)
            names = "of a suite's members; all by default"
            command.add_argument("--only", nargs="+", default=[], metavar="MEMBER", help=names)
        if verb == "tune":
            command.add_argument("--trials", type=int, default=20, help="settings to try")
        if verb == "simulate":
            command.add_argument("--rows", type=int, help="plan for made-up scores of so many rows")
            command.add_argument("--classes", type=int, default=1000, help="classes of these rows")
        if verb == "report":
            command.add_argument("folder", type=Path, help="a run, or results of several")
            orders = "add the orders of the papers' tables to a comparison"
            command.add_argument("--published", action="store_true", help=orders)
        if verb == "figure":
            add_figures(command)
        if verb in ("push", "pull"):
            _add_transfer(command, verb)
        if verb == "list":
            command.add_argument("--recipes", type=Path, default=Path("recipes"), metavar="FOLDER")
        if verb == "bench":
            add_bench(command)
    return parser


def _add_transfer(command: argparse.ArgumentParser, verb: str) -> None:
    command.add_argument("part", choices=["scores", "sae", "adapters", "run"])
    repository = "user/name; the log of a run's selections is in <name>-selections"
    if verb == "push":
        command.add_argument("folder", type=Path, help="the folder of a run")
        command.add_argument("repo_id", metavar="repository", help=repository)
        command.add_argument("--private", action="store_true", help="if it is made now")
        command.add_argument("--license", help="of the data, or of the model, such as mit")
        command.add_argument("--dry-run", action="store_true", help="list the files, send nothing")
        command.add_argument(
            "--originals",
            nargs="+",
            default=[],
            metavar="COLUMN",
            help="texts or images that go with the scores; none do otherwise",
        )
    else:
        command.add_argument("repo_id", metavar="repository", help=repository)
        command.add_argument("folder", type=Path, help="a new folder")
    command.add_argument("--revision", help="branch; to pull also a tag or a commit")
    also = ["codes", "features"]
    command.add_argument("--also", nargs="+", default=[], choices=also, help="with the scores")


if __name__ == "__main__":  # `accelerate launch -m hf_dynsel.cli`
    sys.exit(main())
