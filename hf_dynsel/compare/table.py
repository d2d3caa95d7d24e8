"""The rows of a comparison: means, paired differences and costs, a pure function of its results."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from hf_dynsel.compare.results import Results
from hf_dynsel.compare.statistics import LEVEL, SAME, Difference, difference, holm
from hf_dynsel.compare_section import FULL_DATA, RS2, TAIL
from hf_dynsel.report.summary import Summary

Gaps = dict[tuple[str, str], Difference]


@dataclass(frozen=True)
class Line:
    """A method at one budget; all numbers but the last are means over seeds.

    Args:
        keep: fraction of the pool.
        label: of the method.
        seeds: how many runs.
        asked: how many there should be.
        mean: the metric.
        std: its sample standard deviation; None for one seed.
        to_rs2: difference to RS2.
        tail: label of the RS2 with the same whole epochs, if the method has any.
        to_tail: difference to that one.
        epochs: epochs.
        samples_trained: samples that received a gradient.
        samples_forwarded: samples that went forward to be trained on or left out.
        fewer_samples: how many times fewer than all data for the recipe's epochs.
        samples_swept: samples looked at without training on them.
        extra_seconds: features, autoencoder, adapters, proxies, scores, sweeps and selection.
        total_seconds: the extra and the training, without evaluation.
    """

    keep: float
    label: str
    seeds: int
    asked: int
    mean: float
    std: float | None
    to_rs2: Difference | None
    tail: str | None
    to_tail: Difference | None
    epochs: float
    samples_trained: float
    samples_forwarded: float
    fewer_samples: float
    samples_swept: float
    extra_seconds: float
    total_seconds: float

    @property
    def verdicts(self) -> list[str]:
        """Returns one sentence on each difference that was tested, or could not be."""
        found = [(RS2, self.to_rs2), (self.tail, self.to_tail)]
        if is_reference(self.label):
            return []
        return [_verdict(gap, other, self.asked) for other, gap in found if other]


def is_reference(label: str) -> bool:
    """Returns whether a row is one that methods are compared with."""
    return label in (FULL_DATA, RS2) or label.startswith(TAIL)


def table(results: Results) -> dict[float, list[Line]]:
    """Returns the rows of each budget, best first.

    The p-values of all differences of methods at one budget are adjusted together.
    """
    return {keep: _arm(results, keep) for keep in results.runs}


def charged_seconds(run: Summary) -> float:
    """Returns what a run took, overhead included and evaluation left out."""
    return run.total_seconds - run.seconds.get("eval", 0.0)


def _arm(results: Results, keep: float) -> list[Line]:
    tails, gaps = results.setup.tails[str(keep)], _differences(results, keep)
    lines = [_line(results, keep, label, tails.get(label), gaps) for label in results.runs[keep]]
    return sorted(lines, key=lambda line: (-line.mean, line.label))


def _differences(results: Results, keep: float) -> Gaps:
    """Returns each method's differences to RS2 and to the RS2 with its tail, p-values adjusted."""
    arm, tails = results.runs[keep], results.setup.tails[str(keep)]
    found: Gaps = {}
    for label in arm:
        for other in {RS2, tails.get(label, RS2)} & arm.keys() - {label}:
            gap = difference(results.metric(keep, label), results.metric(keep, other))
            if gap is not None:
                found[label, other] = gap
    tested = {
        pair: gap.p
        for pair, gap in found.items()
        if gap.p is not None and not is_reference(pair[0])
    }
    adjusted = zip(tested, holm(list(tested.values())), strict=True)
    return found | {pair: replace(found[pair], adjusted=p) for pair, p in adjusted}


def _line(results: Results, keep: float, label: str, tail: str | None, gaps: Gaps) -> Line:
    values = list(results.metric(keep, label).values())
    runs = list(results.runs[keep][label].values())

    def mean(value: Callable[[Summary], float]) -> float:
        return fmean(map(value, runs))

    trained = mean(lambda run: run.samples_trained)
    return Line(
        keep=keep,
        label=label,
        seeds=len(runs),
        asked=len(results.setup.seeds),
        mean=fmean(values),
        std=stdev(values) if len(values) > 1 else None,
        to_rs2=gaps.get((label, RS2)),
        tail=tail,
        to_tail=gaps.get((label, tail or "")),
        epochs=mean(lambda run: run.epochs),
        samples_trained=trained,
        samples_forwarded=mean(lambda run: run.samples_forwarded),
        fewer_samples=runs[0].size * results.setup.epochs / trained,
        samples_swept=mean(lambda run: run.samples_swept),
        extra_seconds=mean(lambda run: run.overhead_seconds),
        total_seconds=mean(charged_seconds),
    )


def pairs(found: Difference, asked: int) -> str:
    """Returns of how many seeds a difference is, where it is not of all."""
    return f"of {found.seeds} {'pair' if found.seeds == 1 else 'pairs'}" * (found.seeds < asked)


def _verdict(found: Difference | None, other: str, asked: int) -> str:
    if found is None:
        return f"no run of {other} with the same seed: no verdict"
    if found.seeds == 1:
        return f"one seed: no verdict against {other}"
    if found.low == found.high:
        same = f"the same difference to {other} in every seed ({100 * found.mean:+.2f}): no verdict"
        said = same if abs(found.mean) > SAME else f"identical to {other}"
        return " ".join(filter(None, [said, pairs(found, asked)]))
    assert found.adjusted is not None and found.low is not None and found.high is not None
    assert found.p is not None
    said = f"{'better' if found.mean > 0 else 'worse'} than {other}"
    if found.p >= LEVEL:
        said = f"within noise of {other}"
    elif found.adjusted >= LEVEL:
        said += " on its own, within noise among so many comparisons"
    interval = f"95 % CI {100 * found.low:+.2f} to {100 * found.high:+.2f}"
    p = "p < 0.001" if found.adjusted < 0.001 else f"p = {found.adjusted:.3f}"
    numbers = [f"{100 * found.mean:+.2f}", interval, p, pairs(found, asked)]
    return f"{said} ({', '.join(filter(None, numbers))})"
