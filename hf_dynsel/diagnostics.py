"""Describes the running epoch's selection in numbers a tracker can plot."""

from hf_dynsel.sampler import SelectionSampler
from hf_dynsel.usage import class_mix, never_used, overlap

MANY_CLASSES = 20


def describe(sampler: SelectionSampler) -> dict[str, float]:
    """Returns size, overlap, never-used share, class mix and the method's own numbers.

    With more than 20 classes the mix is given by its smallest and largest share.
    """
    chosen = sampler.selection.indices
    counts = sampler.usage.copy()
    counts[chosen] += 1
    numbers = {
        "epoch": float(sampler.epoch),
        "size": float(len(chosen)),
        "never_used": never_used(counts),
        **sampler.selector.diagnostics(sampler.epoch),
    }
    if sampler.previous is not None:
        numbers["overlap"] = overlap(sampler.previous, chosen)
    if (labels := sampler.pool.labels) is not None:
        mix = class_mix(chosen, labels)
        if len(mix) > MANY_CLASSES:
            numbers |= {"class_share/min": float(mix.min()), "class_share/max": float(mix.max())}
        else:
            numbers |= {f"class_share/{c}": float(share) for c, share in enumerate(mix)}
    return {f"selection/{name}": value for name, value in numbers.items()}
