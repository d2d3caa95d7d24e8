"""What selection took beside what it saved, in seconds, and a warning where it does not pay."""

from types import MappingProxyType

from hf_dynsel.report.summary import OVERHEAD, Summary

ENCODE = (
    "use the scores for several runs (`scores: {from: FOLDER}`; the cache finds them again), take "
    "a faster encoder or fewer epochs of the autoencoder"
)
ADVICE = MappingProxyType(
    {
        **dict.fromkeys(("features", "sae", "adapters", "scores"), ENCODE),
        "proxy": "train the proxy for fewer epochs, or use its scores for several runs",
        "sweep": "look at the pool less often (`refresh_every`) or in part (`refresh: seen`)",
        "select": "take a selector that costs less (`hf-dynsel list` has the cost of each)",
    }
)


def stages(summary: Summary) -> str:
    """Returns the seconds of each stage in one line."""
    return ", ".join(f"{stage} {seconds:,.1f}" for stage, seconds in summary.seconds.items())


def pays(summary: Summary) -> bool | None:
    """Returns whether selection took less time than it saved, by estimate.

    None where no time is saved that the estimate could tell: nothing was left out, or as many
    samples went forward as of all data, and only their gradients were left out.
    """
    if summary.samples_forwarded >= summary.samples_full:
        return None
    return summary.overhead_seconds < summary.seconds_not_trained


def balance(summary: Summary) -> str:
    """Returns what selection took, beside what it saved."""
    saved, overhead = summary.seconds_not_trained, summary.overhead_seconds
    took = f"selection itself took {overhead:,.1f} s"
    if summary.samples_trained >= summary.samples_full:
        return f"No sample was left out, so no training time was saved; {took}."
    if (paid := pays(summary)) is None:
        return (
            "Samples were left out after they had gone forward. What that saved cannot be told "
            f"from this run; {took}."
        )
    net = f"a net saving of about {saved - overhead:,.1f} s"
    if not paid:
        net = f"selection cost about {overhead - saved:,.1f} s more than it saved in this run"
    return (
        f"At this run's {summary.seconds.get('train', 0.0):,.1f} s for "
        f"{max(summary.samples_forwarded, summary.samples_trained):,} samples, the samples left "
        f"out would have taken about {saved:,.1f} s (an estimate, not a measurement); {took}: "
        f"{net}."
    )


def warning(summary: Summary) -> str | None:
    """Returns what to do where selection took as long as it saved, or longer; else None.

    The advice is for the stage that took longest.
    """
    if pays(summary) is not False:
        return None
    costs = {stage: summary.seconds.get(stage, 0.0) for stage in OVERHEAD}
    most = max(costs, key=costs.__getitem__)
    return (
        f"Selection does not pay in this run: it took {summary.overhead_seconds:,.1f} s, and the "
        f"samples left out would have taken about {summary.seconds_not_trained:,.1f} s (an "
        f"estimate). {costs[most]:,.1f} s of it are '{most}': {ADVICE[most]}; or train longer, or "
        "a larger model. Stages found in the cache are charged in full."
    )
