"""What stands above and below the tables of a comparison: the rule, the data, the machine."""

from hf_dynsel.compare.results import Results
from hf_dynsel.compare_section import TAIL
from hf_dynsel.report.summary import Summary

PACKAGES = ("hf-dynsel", "torch", "transformers")
UNITS = {
    "equal_epochs": "{budget:,.0f} epochs",
    "equal_steps": "{budget:,.0f} optimizer steps",
    "equal_samples": "{budget:,.0f} samples",
    "equal_seconds": "{budget:,.1f} seconds",
}
RULES = {
    "equal_epochs": "Every method trains for {epochs} epochs, whatever their sizes.",
    "equal_steps": "Every method takes as many optimizer steps as RS2 takes in {epochs} epochs at "
    "the same keep. The learning rate follows steps.",
    "equal_samples": "Every method trains on as many samples, to the nearest epoch, as RS2 does in "
    "{epochs} epochs at the same keep.",
    "equal_seconds": "Every method trains for the whole epochs that fit into the seconds that RS2 "
    "takes for {epochs} epochs at the same keep, overhead included and evaluation left out. What "
    "an epoch of a method takes was measured in a run of {epochs} epochs with the first seed.",
}


def headline(results: Results) -> str:
    """Returns the rule, the budgets, seeds, data, hardware, versions and commit in one line."""
    setup = results.setup
    seeds = ", ".join(map(str, setup.seeds))
    budgets = "; ".join(f"keep {keep}: {budget(results, keep)}" for keep in results.runs)
    size = ", ".join(f"{size:,}" for size in sorted({run.size for run in results.all_runs}))
    at_once = f"{setup.jobs} runs at once" if setup.jobs > 1 else "one run at a time"
    return (
        f"`{setup.recipe}` by {setup.rule} ({budgets}), seeds {seeds}; {setup.data}, {size} "
        f"training samples; {_machine(results.all_runs)}; {at_once}."
    )


def budget(results: Results, keep: float) -> str:
    """Returns what a run takes at one fraction kept, with its unit."""
    setup = results.setup
    return UNITS[setup.rule].format(budget=setup.budgets[str(keep)])


def rule(results: Results) -> str:
    """Returns what the rule means."""
    return RULES[results.setup.rule].format(epochs=results.setup.epochs)


def missing(results: Results) -> str:
    """Returns which runs the results should have and do not, by what they do have."""
    setup, gone = results.setup, []
    for keep in setup.keeps:
        arm = results.runs.get(keep, {})
        for label in setup.methods[str(keep)]:
            seeds = [str(seed) for seed in setup.seeds if seed not in arm.get(label, {})]
            if seeds:
                gone.append(f"{label}, keep {keep}: {', '.join(seeds)}")
    return f"Seeds missing: {'; '.join(gone)}." if gone else ""


def legend(results: Results) -> str:
    """Returns how to read the columns and verdicts."""
    text = (
        "± is the sample standard deviation over seeds. A difference is the mean of the "
        "differences of runs with the same seed, with its 95 % interval by Student's t. A method "
        "is better or worse where the paired t-test says so at 5 % after Holm's correction for "
        "all differences of methods at the same keep (p is the corrected one). Where it says so "
        "without the correction alone, the method is better or worse on its own: of twenty such "
        "findings, one is expected of chance where nothing differs. Else the difference is within "
        "noise. "
    )
    if any(results.setup.tails.values()):
        text += (
            f"{TAIL}-a-b is RS2 with a whole epochs first and b last, as the methods have that "
            "are compared with it"
            + (
                f" in {results.setup.epochs} epochs, and the same share of others. "
                if results.setup.rule == "equal_seconds"
                else ". "
            )
        )
    return text + (
        f"Fewer samples: than all data for {results.setup.epochs} epochs. Extra: features, "
        "autoencoder, adapters, proxies, scores, looks at the pool and selection; shared results "
        "are charged to every run that reads them. Total: extra and training, without evaluation."
    )


def _machine(runs: list[Summary]) -> str:
    seen = [run.environment for run in runs]
    packages = [
        f"{name} {', '.join(sorted({str(one['packages'].get(name)) for one in seen}))}"
        for name in PACKAGES
    ]
    hardware = sorted(
        {
            ", ".join(one["devices"]) or f"{one['cpu']}, threads {one['torch_threads']}"
            for one in seen
        }
    )
    commits = sorted({str(one["commit"]) for one in seen})
    of = "commit" if len(commits) == 1 else f"runs of {len(commits)} commits:"
    return f"{'; '.join(hardware)}; {', '.join(packages)}; {of} {', '.join(commits)}"
