"""The command `hf-dynsel VERB RECIPE [key.sub=value ...]`."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import datasets
from transformers.utils import logging as transformers_logging

VERBS = {
    "run": "all stages of a recipe: data, scores, training, evaluation and report",
    "score": "data, features, sparse autoencoder and scores of a recipe",
    "train": "the same as run, without the report",
    "simulate": "steps, samples, saving, use and memory of a recipe's selection, without a model",
    "report": "the report of a run folder, again; or the table of a folder of results",
    "push": "scores, autoencoder, adapters or all of a run to the Hugging Face Hub",
    "pull": "the same from the Hub into a folder, every file checked",
    "list": "selectors, scores, backbones, loaders and recipes",
    "env": "versions and hardware, for bug reports",
    "bench": "the cost of a part on Fashion-MNIST, beside the training that it is for",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status: 0, or 2 after bad input."""
    parser = _parser()
    options, rest = parser.parse_known_args(argv)
    _take_overrides(parser, options, rest)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("hf_dynsel").setLevel(logging.INFO)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        _COMMANDS[options.verb](options)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"hf-dynsel: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "hf-dynsel: interrupted; finished stages are kept, and `--resume` goes on from the "
            "last checkpoint",
            file=sys.stderr,
        )
        return 130
    return 0


def _take_overrides(
    parser: argparse.ArgumentParser, options: argparse.Namespace, rest: Sequence[str]
) -> None:
    """Adds overrides that stand behind an option, which argparse leaves over."""
    wrong = [word for word in rest if word.startswith("-") or "=" not in word]
    if wrong or (rest and not hasattr(options, "overrides")):
        parser.error(f"unknown arguments: {' '.join(wrong or rest)}")
    if rest:
        options.overrides += rest


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hf-dynsel", description="Train on a better subset every epoch."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in VERBS.items():
        command = verbs.add_parser(verb, help=text, description=text[0].upper() + text[1:] + ".")
        if verb in ("run", "score", "train", "simulate"):
            command.add_argument("recipe", type=Path, help="a YAML file")
            command.add_argument("overrides", nargs="*", metavar="key.sub=value")
        if verb in ("run", "train"):
            command.add_argument("--resume", action="store_true", help="from the last checkpoint")
        if verb == "simulate":
            command.add_argument("--rows", type=int, help="plan for made-up scores of so many rows")
            command.add_argument("--classes", type=int, default=1000, help="classes of these rows")
        if verb == "report":
            command.add_argument("folder", type=Path, help="a run, or <method>/<seed>.json files")
        if verb in ("push", "pull"):
            _add_transfer(command, verb)
        if verb == "list":
            command.add_argument("--recipes", type=Path, default=Path("recipes"), metavar="FOLDER")
        if verb == "bench":
            _add_bench(command)
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


def _add_bench(command: argparse.ArgumentParser) -> None:
    sizes = [2_000, 5_000, 10_000, 20_000, 30_000, 40_000, 60_000]
    command.add_argument("part", choices=["neighbors"], help="the search for neighbours")
    command.add_argument("--rows", type=int, nargs="+", default=sizes, help="images to search")
    command.add_argument("--update-rows", type=int, default=20_000, help="images to index again")
    command.add_argument("--model", default="small_cnn", help="a timm name, for the features")
    command.add_argument("--steps", type=int, default=200, help="of training, before the search")
    command.add_argument("--output", type=Path, metavar="FILE", help="a JSON file to write")


def _run(options: argparse.Namespace) -> None:
    from hf_dynsel.recipe import load
    from hf_dynsel.run import run

    recipe = load(options.recipe, options.overrides)
    folder = run(recipe, report=options.verb == "run", resume=options.resume)
    summary = json.loads((folder / "summary.json").read_text())
    saving = summary["samples_full"] / summary["samples_trained"]
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in summary["eval"].items())
    print(f"test: {metrics}")
    print(
        f"trained on {summary['samples_trained']:,} of {summary['samples_full']:,} samples "
        f"({saving:.2f} times fewer than all data for as many epochs)"
    )
    print(f"in {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")


def _score(options: argparse.Namespace) -> None:
    from hf_dynsel.recipe import load
    from hf_dynsel.run import score_only

    print(score_only(load(options.recipe, options.overrides)))


def _simulate(options: argparse.Namespace) -> None:
    from hf_dynsel.planning import MadeUp, describe, plan_recipe
    from hf_dynsel.recipe import load

    made_up = None if options.rows is None else MadeUp(options.rows, options.classes)
    found = plan_recipe(load(options.recipe, options.overrides), made_up)
    print(describe(found, found.samples_full // len(found.samples_per_epoch)))


def _report(options: argparse.Namespace) -> None:
    from hf_dynsel.report import results_table, write_report

    if (options.folder / "summary.json").is_file() or not options.folder.is_dir():
        print(write_report(options.folder))
    else:
        print(results_table(options.folder))


def _list(options: argparse.Namespace) -> None:
    from hf_dynsel import catalog

    print(f"Costs are measured now, on {catalog.ROWS:,} samples.\n")
    for rows in (
        catalog.selector_rows(),
        catalog.score_rows(),
        catalog.backbone_rows(),
        catalog.loader_rows(),
        catalog.recipe_rows(options.recipes),
    ):
        print(catalog.table(rows), end="\n\n")


def _push(options: argparse.Namespace) -> None:
    from hf_dynsel.publish import publish

    given = {**vars(options)}
    for name in ("verb", "part", "folder", "repo_id"):
        del given[name]
    for pushed in publish(options.part, options.folder, options.repo_id, **given):
        print(pushed.describe())


def _pull(options: argparse.Namespace) -> None:
    from hf_dynsel.publish import fetch

    settings = {"revision": options.revision, "also": options.also}
    source = fetch(options.part, options.repo_id, options.folder, **settings)
    print(f"{source} is in {options.folder}")


def _env(options: argparse.Namespace) -> None:
    from hf_dynsel.environment import environment

    print(json.dumps(environment(), indent=2))


def _bench(options: argparse.Namespace) -> None:
    from hf_dynsel import catalog, data
    from hf_dynsel.bench import bench_neighbors

    found = bench_neighbors(
        data.idx()["train"],
        options.rows,
        update_size=options.update_rows,
        architecture=options.model,
        steps=options.steps,
    )
    for name in ("cost", "update", "threads"):
        rows = [{k: _shown(v) for k, v in row.items()} for row in found[name]]
        print(catalog.table(rows), end="\n\n")
    growth = ", ".join(f"{name} {power:.2f}" for name, power in found["growth exponent"].items())
    print(f"processor seconds grow with rows to the power of: {growth}")
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(found, indent=2) + "\n")


def _shown(value: int | float | str) -> str:
    return f"{value:.3f}" if isinstance(value, float) else f"{value}"


_COMMANDS = {
    "run": _run,
    "train": _run,
    "score": _score,
    "simulate": _simulate,
    "report": _report,
    "list": _list,
    "push": _push,
    "pull": _pull,
    "env": _env,
    "bench": _bench,
}
