"""Runs the benchmarks of the library's stages, each a ratio with a limit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from hf_dynsel.bench.autoencoder import bench_autoencoder
from hf_dynsel.bench.data import bench_data
from hf_dynsel.bench.density import bench_density
from hf_dynsel.bench.extraction import bench_extraction
from hf_dynsel.bench.imports import bench_imports
from hf_dynsel.bench.load import load_average
from hf_dynsel.bench.processes import bench_processes
from hf_dynsel.bench.savings import bench_savings
from hf_dynsel.bench.selection import bench_selection
from hf_dynsel.bench.target import Target
from hf_dynsel.bench.trainers import bench_trainers
from hf_dynsel.environment import environment

STAGES: Mapping[str, Callable[[bool], Iterator[Target]]] = MappingProxyType(
    {
        "import": bench_imports,
        "selection": bench_selection,
        "trainer": bench_trainers,
        "data": bench_data,
        "features": bench_extraction,
        "autoencoder": bench_autoencoder,
        "density": bench_density,
        "savings": bench_savings,
        "processes": bench_processes,
    }
)


def bench_speed(*, full: bool = False, only: Sequence[str] = ()) -> dict[str, Any]:
    """Returns what each stage costs, as ratios to what it serves or to what one writes by hand.

    Args:
        full: at the sizes that the limits are meant for; else at tiny ones, whose ratios say
            nothing.
        only: names of stages; all by default.

    Raises:
        ValueError: if there is no such stage.
    """
    if unknown := [name for name in only if name not in STAGES]:
        raise ValueError(f"there is no stage '{unknown[0]}'; there are {', '.join(STAGES)}")
    load = load_average()
    wanted = [bench for name, bench in STAGES.items() if not only or name in only]
    targets = [target for bench in wanted for target in bench(full)]
    return {
        "sizes": "full" if full else "quick",
        "load average before": load,
        "targets": [asdict(target) | {"met": target.met} for target in targets],
        "environment": environment(),
    }


def speed_rows(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Returns what `bench_speed` found as rows of a table."""
    return [
        {
            "what": target["what"],
            "measured": f"{target['ratio']:.3g}",
            "target": f"{'≥' if target['at_least'] else '≤'} {target['limit']:g}",
            "met": "yes" if target["met"] else "no",
        }
        for target in found["targets"]
    ]
