"""The options of `hf-dynsel bench`, and what it prints."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PARTS = {
    "neighbors": "the search for neighbours, on Fashion-MNIST",
    "selectors": "seconds and memory of each selector and score",
}


def add_bench(command: argparse.ArgumentParser) -> None:
    """Adds the options of all stages, and a command of its own for each other benchmark."""
    command.description = (
        "Measures what each stage costs, as ratios with limits; or, with the name of a part, "
        "seconds of many sizes."
    )
    sizes = command.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works")
    sizes.add_argument("--full", action="store_true", help="the sizes that the limits are for")
    command.add_argument("--only", nargs="+", default=[], metavar="STAGE", help="of these alone")
    command.add_argument("--output", type=Path, metavar="FILE", help="a JSON file to write")
    parts = command.add_subparsers(dest="part", metavar="PART")
    rows = [2_000, 5_000, 10_000, 20_000, 30_000, 40_000, 60_000]
    part = parts.add_parser("neighbors", help=PARTS["neighbors"])
    part.add_argument("--rows", type=int, nargs="+", default=rows, help="images to search")
    part.add_argument("--update-rows", type=int, default=20_000, help="images to index again")
    part.add_argument("--model", default="small_cnn", help="a timm name, for the features")
    part.add_argument("--steps", type=int, default=200, help="of training, before the search")
    part.add_argument("--output", type=Path, metavar="FILE", help="a JSON file to write")
    rows = [10_000, 100_000, 1_000_000]
    part = parts.add_parser("selectors", help=PARTS["selectors"])
    part.add_argument("--rows", type=int, nargs="+", default=rows, help="numbers of samples")
    part.add_argument("--width", type=int, default=512, help="numbers in a feature vector")
    part.add_argument("--limit", type=float, default=300, help="seconds for one measurement")
    part.add_argument("--only", nargs="+", default=[], metavar="NAME", help="of these alone")
    part.add_argument("--output", type=Path, metavar="FILE", help="a JSON file to write")


def bench(options: argparse.Namespace) -> Iterator[str]:
    """Yields what a benchmark found as text, and writes it to the file that is asked for."""
    run = {"neighbors": _neighbors, "selectors": _selectors, None: _speed}[options.part]
    found = run(options)
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    yield from _told(options.part, found)


def _speed(options: argparse.Namespace) -> dict[str, Any]:
    from hf_dynsel.bench import bench_speed

    return bench_speed(full=options.full, only=options.only)


def _selectors(options: argparse.Namespace) -> dict[str, Any]:
    from hf_dynsel.bench import bench_selectors

    return bench_selectors(
        options.rows, width=options.width, limit_s=options.limit, only=options.only
    )


def _neighbors(options: argparse.Namespace) -> dict[str, Any]:
    from hf_dynsel import data
    from hf_dynsel.bench import bench_neighbors

    return bench_neighbors(
        data.idx()["train"],
        options.rows,
        update_size=options.update_rows,
        architecture=options.model,
        steps=options.steps,
    )


def _told(part: str | None, found: dict[str, Any]) -> Iterator[str]:
    from hf_dynsel import catalog
    from hf_dynsel.bench import speed_rows

    if part is None:
        yield catalog.table(speed_rows(found))
        on = found["environment"]
        yield f"{on['cpu']}, {on['torch_threads']} threads; commit {on['commit']}."
        if found["sizes"] == "quick":
            yield "These are quick sizes: they show that it works, and their ratios say nothing."
    elif part == "selectors":
        rows = [{"method": n} | catalog.costs(r) for n, r in found["costs"].items()]
        yield catalog.table(rows)
    else:
        for name in ("cost", "update", "threads"):
            rows = [{k: _shown(v) for k, v in row.items()} for row in found[name]]
            yield catalog.table(rows)
        growth = ", ".join(
            f"{name} {power:.2f}" for name, power in found["growth exponent"].items()
        )
        yield f"processor seconds grow with rows to the power of: {growth}"


def _shown(value: int | float | str) -> str:
    return f"{value:.3f}" if isinstance(value, float) else f"{value}"
