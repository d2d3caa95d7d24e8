"""What a comparison here calls the methods of the papers' tables."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from hf_dynsel.published.tables import Number

FULL_DATA = "FullData"
OURS = "Ours"  # what both papers call their own method
OWN = MappingProxyType({"A": "DensityConsistency", "B": "RepDiv"})
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "CLIP": "ClipPowered",
        "D2": "D2Pruning",
        "DP": "DatasetPruning",
        "Entropy": "Entropy",
        "Forgetting": "Forgetting",
        "Full": FULL_DATA,
        "Full-data": FULL_DATA,
        "GraNd-4": "GraNd",
        "InfoBatch": "InfoBatch",
        "K-Center": "KCenter",
        "K-center": "KCenter",
        "MoDS": "Moderate",
        "MoSo": "MoSo",
        "Moderate-DS": "Moderate",
        "RCAP": "RCAP",
        "RS2 w/o": "RandomWithoutReplacement",
        "RS2 w/r": "RS2",
        "Self-sup prototypes": "Prototypes",
        "UCB": "UCB",
        "epsilon-greedy": "EpsilonGreedy",
        # The ablations of table 6.
        "Full method": "RepDiv",
        "Static": "Static",
        "only Div": "only_Div",
        "only Pen": "only_Pen",
        "only Rep": "only_Rep",
        "w/o Div": "without_Div",
        "w/o Full-data": "without_full_data",
        "w/o Pen": "without_Pen",
        "w/o Rep": "without_Rep",
        "w/o alpha": "without_alpha",
    }
)


def label_of(number: Number) -> str | None:
    """Returns our label of what a number is of: a class, a score, or an ablation; None if none is.

    Whatever keeps everything is full data. The papers' own method is that of the paper, whatever
    it was given ("Ours, SAE trained on CIFAR-10"). Random is static where the table says so. It
    is RS2 where the table does not say, for there the caption calls it dynamic, and a new draw in
    each epoch is RS2. Where a table has RS2 beside a dynamic random, the latter has no label: it
    is the same draw, and RS2 can stand beside one number only.
    """
    if number.keep == 1.0:
        return FULL_DATA
    if number.method == "Random":
        return {"static": "StaticRandom", "dynamic": None}.get(number.type or "", "RS2")
    if number.method == OURS or variant_of(number):
        return OWN[number.paper]
    return LABELS.get(number.method)


def variant_of(number: Number) -> str | None:
    """Returns what a paper's own method was given, such as `SAE trained on CIFAR-10`."""
    own = re.fullmatch(rf"{OURS}(?:, (.+)| \((.+)\))", number.method)
    return own and (own[1] or own[2])
