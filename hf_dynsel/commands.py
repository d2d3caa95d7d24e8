"""What each verb of the command line does, given its checked options."""

import argparse
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType


def _run(options: argparse.Namespace) -> None:
    from accelerate import PartialState

    from hf_dynsel.recipe import load
    from hf_dynsel.report.balance import balance, stages
    from hf_dynsel.report.summary import read_summary
    from hf_dynsel.run import run

    recipe = load(options.recipe, options.overrides)
    folder = run(recipe, report=options.verb == "run", resume=options.resume)
    if not PartialState().is_main_process:
        return
    summary = read_summary(folder / "summary.json")
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in summary.eval.items())
    print(f"test: {metrics}")
    print(
        f"trained on {summary.samples_trained:,} of {summary.samples_full:,} samples "
        f"({summary.saving:.2f} times fewer than all data for as many epochs)"
    )
    print(f"seconds: {stages(summary)}")
    print(balance(summary))
    print(f"in {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")


def _score(options: argparse.Namespace) -> None:
    from accelerate import PartialState

    from hf_dynsel.recipe import load
    from hf_dynsel.run import score_only

    folder = score_only(load(options.recipe, options.overrides))
    if PartialState().is_main_process:
        print(folder)


def _compare(options: argparse.Namespace) -> None:
    from hf_dynsel.compare import compare
    from hf_dynsel.compare_section import comparison
    from hf_dynsel.recipe import load
    from hf_dynsel.suite import is_suite

    if is_suite(options.recipe):
        _compare_suite(options)
        return
    if options.only:
        raise ValueError(f"--only names members of a suite, and {options.recipe} is a recipe")
    recipe = load(options.recipe, options.overrides)
    found = compare(recipe, comparison(recipe.compare, recipe.selector), options.jobs)
    print((found.folder / "comparison.md").read_text(encoding="utf-8"))
    if found.failed:
        raise ValueError(
            f"{len(found.failed)} runs failed; the end of {found.folder / 'comparison.md'} lists "
            "them, and calling this again runs them again"
        )


def _compare_suite(options: argparse.Namespace) -> None:
    from hf_dynsel.suite import compare_suite, load_suite

    loaded = load_suite(options.recipe, options.overrides, options.only)
    found = compare_suite(loaded, options.jobs)
    print((found.folder / "suite.md").read_text(encoding="utf-8"))
    found.require_all()


def _tune(options: argparse.Namespace) -> None:
    from hf_dynsel.compare import tune
    from hf_dynsel.compare_section import comparison
    from hf_dynsel.recipe import load

    recipe = load(options.recipe, options.overrides)
    if not recipe.tune:
        raise ValueError(
            "the recipe has no section 'tune', such as tune: {selector.penalty: {low: 0, high: 1}}"
        )
    wanted = comparison(recipe.compare, recipe.selector)
    folder = tune(recipe, recipe.tune, wanted, options.trials)
    print((folder / "trials.md").read_text(encoding="utf-8"))


def _simulate(options: argparse.Namespace) -> None:
    from hf_dynsel.planning import MadeUp, describe, plan_recipe
    from hf_dynsel.recipe import load
    from hf_dynsel.suite import is_suite, load_suite, plan_suite

    made_up = None if options.rows is None else MadeUp(options.rows, options.classes)
    if is_suite(options.recipe):
        for part in plan_suite(load_suite(options.recipe, options.overrides), made_up):
            print(part, end="\n\n")
        return
    found = plan_recipe(load(options.recipe, options.overrides), made_up)
    print(describe(found, found.samples_full // len(found.samples_per_epoch)))


def _report(options: argparse.Namespace) -> None:
    from hf_dynsel.compare import SETUP, render
    from hf_dynsel.report import results_stages, results_table, write_report
    from hf_dynsel.suite import SUITE, render_suite

    places = (options.folder, options.folder / "results")
    compared = [folder for folder in places if (folder / SETUP).is_file()]
    if suites := [folder for folder in places if (folder / SUITE).is_file()]:
        print(render_suite(suites[0]))
    elif compared:
        print(render(compared[0], published=options.published))
    elif (options.folder / "summary.json").is_file() or not options.folder.is_dir():
        print(write_report(options.folder))
    else:
        print(results_table(options.folder), results_stages(options.folder), sep="\n\n")


def _figure(options: argparse.Namespace) -> None:
    from hf_dynsel.figure_options import request_of
    from hf_dynsel.figures import draw

    files, left_out = draw(request_of(options), options.output)
    print("\n".join([*left_out, *map(str, files)]))


def _list(options: argparse.Namespace) -> None:
    from hf_dynsel import catalog

    print(catalog.costs_line(), end="\n\n")
    for rows in (
        catalog.selector_rows(),
        catalog.score_rows(),
        catalog.training_score_rows(),
        catalog.backbone_rows(),
        catalog.loader_rows(),
        catalog.recipe_rows(options.recipes),
        catalog.suite_rows(options.recipes),
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
    from hf_dynsel.bench_options import bench

    for text in bench(options):
        print(text, end="\n\n")


COMMANDS: Mapping[str, Callable[[argparse.Namespace], None]] = MappingProxyType(
    {
        "run": _run,
        "train": _run,
        "score": _score,
        "compare": _compare,
        "tune": _tune,
        "simulate": _simulate,
        "report": _report,
        "figure": _figure,
        "list": _list,
        "push": _push,
        "pull": _pull,
        "env": _env,
        "bench": _bench,
    }
)
