"""What it cost to look at the pool before epochs: forward passes, and the search for neighbours."""

from collections.abc import Sequence
from statistics import mean

from hf_dynsel.report.picture import Section, Table
from hf_dynsel.report.summary import Summary


def sweep_section(summary: Summary) -> Section:
    """Returns the cost of the looks beside that of training."""
    train = summary.seconds.get("train", 0.0)
    rows = [
        ("looks", f"{len(summary.sweeps):,}"),
        ("samples looked at", f"{summary.samples_swept:,}"),
        ("forward passes, of training", _beside(summary.seconds.get("sweep", 0.0), train)),
        *_search(summary, train / max(summary.optimizer_steps, 1)),
    ]
    caption = (
        "Before an epoch the selector saw these samples through the model, without gradients and "
        "without random transforms. Seconds are wall time on the machine of this run."
    )
    return Section(
        "What looking at the samples cost", tables=[Table(caption, ("what", "how much"), rows)]
    )


def _search(summary: Summary, step: float) -> list[tuple[str, str]]:
    """Returns the rows on the search for neighbours; none if the selector makes none."""
    if not all("recall" in look for look in summary.sweeps):
        return []
    train = summary.seconds.get("train", 0.0)
    build, query = (_numbers(summary, name) for name in ("seconds_build", "seconds_query"))
    each = (sum(build) + sum(query)) / len(build)
    recall = _numbers(summary, "recall")
    rows = [
        ("building the index, of training", _beside(sum(build), train)),
        ("asking for neighbours, of training", _beside(sum(query), train)),
        ("recall of neighbours, mean and lowest", f"{mean(recall):.4f}, {min(recall):.4f}"),
    ]
    if step:
        rows.append(("one search, in optimizer steps", f"{each:.2f} s, {each / step:,.0f} steps"))
    return rows


def _numbers(summary: Summary, name: str) -> Sequence[float]:
    return [look[name] for look in summary.sweeps]


def _beside(seconds: float, train: float) -> str:
    share = f", {seconds / train:.1%}" if train else ""
    return f"{seconds:,.2f} s{share}"
