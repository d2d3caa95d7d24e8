"""Which methods of a comparison a chart shows, and how each looks."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from hf_dynsel.compare.results import Results
from hf_dynsel.compare.table import is_reference
from hf_dynsel.compare_section import FULL_DATA, RS2
from hf_dynsel.report.canvas import CYCLE, INK, SOFT

MARKERS = "os^Dv*"
MOST = len(CYCLE)  # methods beside full data and RS2, each with a colour


def shown(several: Sequence[Results], wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the labels that a chart shows, full data and RS2 first, and those it leaves out.

    Args:
        several: results of comparisons.
        wanted: labels. None given means full data, RS2, and the others that rank best on average.

    Raises:
        ValueError: if a label is in no comparison.
    """
    ranks = [_ranks(results) for results in several]
    found = list(dict.fromkeys(label for own in ranks for label in own))
    if missing := [label for label in wanted if label not in found]:
        raise ValueError(f"there is no method '{missing[0]}'; there are {', '.join(sorted(found))}")
    references = [label for label in (FULL_DATA, RS2) if label in found]
    if wanted:
        return list(dict.fromkeys([*references, *wanted])), []
    others = [label for label in found if not is_reference(label)]
    mean = {label: fmean(own[label] for own in ranks if label in own) for label in others}
    best = sorted(others, key=lambda label: (mean[label], label))
    return [*references, *best[:MOST]], sorted(best[MOST:])


def left_out(labels: Iterable[str]) -> list[str]:
    """Returns a sentence on methods that are not shown, if there are any."""
    names = ", ".join(labels)
    return [f"Not shown, for there are many: {names}; --method shows others."] if names else []


def looks(labels: Sequence[str]) -> Mapping[str, dict[str, Any]]:
    """Returns the colour, line and mark of each method; references are dark and dashed."""
    found: dict[str, dict[str, Any]] = {
        FULL_DATA: {"color": INK, "linestyle": "--", "marker": ""},
        RS2: {"color": SOFT, "linestyle": ":", "marker": "X"},
    }
    others = [label for label in labels if label not in found]
    for number, label in enumerate(others):
        turn, place = divmod(number, MOST)
        found[label] = {
            "color": CYCLE[place],
            "linestyle": ("-", "-.")[turn % 2],
            "marker": MARKERS[(place + turn) % len(MARKERS)],
        }
    return {label: found[label] for label in labels}


def _ranks(results: Results) -> dict[str, float]:
    """Returns the place of each method by its mean metric, from 0 for the best to below 1."""
    values: dict[str, list[float]] = {}
    for keep, arm in results.runs.items():
        for label in arm:
            values.setdefault(label, []).append(fmean(results.metric(keep, label).values()))
    order = sorted(values, key=lambda label: -fmean(values[label]))
    return {label: place / len(order) for place, label in enumerate(order)}
