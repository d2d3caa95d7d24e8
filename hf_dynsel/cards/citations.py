"""BibTeX of the methods, by the name of the class that implements them."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "AUM": ("pleiss2020identifying",),
        "Adapters": ("yang2025dynamic",),
        "CenterDistance": ("xia2023moderate",),
        "ClassSpread": ("yang2025clip",),
        "ClipPowered": ("yang2025clip",),
        "Consistency": ("yang2025dynamic",),
        "CoverageCentric": ("zheng2023coverage",),
        "D2Pruning": ("maharana2024d2",),
        "DatasetPruning": ("yang2023dataset",),
        "Density": ("yang2025dynamic",),
        "DensityConsistency": ("yang2025dynamic",),
        "Diversity": ("zhou2026rethinking",),
        "DynamicRandom": ("okanovic2024repeated",),
        "EL2N": ("paul2021deep",),
        "Entropy": ("coleman2020selection",),
        "EpsilonGreedy": ("raju2021accelerating",),
        "Forgetting": ("toneva2019empirical",),
        "GraNd": ("paul2021deep",),
        "Herding": ("welling2009herding",),
        "InfoBatch": ("qin2024infobatch",),
        "InfoMax": ("tan2025data",),
        "KCenter": ("sener2018active",),
        "Margin": ("settles2009active",),
        "MoSo": ("tan2023data",),
        "Moderate": ("xia2023moderate",),
        "PrototypeDistance": ("sorscher2022beyond",),
        "Prototypes": ("sorscher2022beyond",),
        "RCAP": ("hassan2025rcap",),
        "RandomWithoutReplacement": ("okanovic2024repeated",),
        "RepDiv": ("zhou2026rethinking",),
        "RepDivConsistency": (
            "zhou2026rethinking",
            "yang2025dynamic",
        ),
        "Representativeness": ("zhou2026rethinking",),
        "SAEGreedy": ("yang2025diversity",),
        "SAESimScale": ("yang2025diversity",),
        "SeTa": ("zhou2025scale",),
        "SelectiveBackprop": ("jiang2019accelerating",),
        "SparseAutoencoder": ("zhou2026rethinking",),
        "TDDS": ("zhang2024spanning",),
        "UCB": ("raju2021accelerating",),
    }
)


def bibtex(names: Iterable[str]) -> str:
    """Returns the entries of classes, each once; empty if none of them is from a paper."""
    keys = dict.fromkeys(key for name in names for key in KEYS.get(name, ()))
    return "\n\n".join(_entries()[key] for key in keys)


@cache
def _entries() -> Mapping[str, str]:
    """Returns the entries of `citations.bib` by their keys."""
    text = files("hf_dynsel.cards").joinpath("citations.bib").read_text(encoding="utf-8")
    return {re.split(r"[{,]", entry)[1]: entry for entry in text.strip().split("\n\n")}
