"""A method is charged for what it reads, and for nothing else."""

from dataclasses import dataclass

import pytest

from hf_dynsel import selectors
from hf_dynsel.compare.needed import needed
from hf_dynsel.core import Selection, Selector

CONTENT = {
    "name": "all",
    "dataset": {"loader": "digits"},
    "features": {"backbone": "Pixels"},
    "sae": {"k": 8},
    "adapters": {"texts": "TransformersText"},
    "proxy": {"scores": {"EL2N": {}, "Forgetting": None}, "vectors": True},
    "scores": {"Representativeness": {"units": 4}, "Diversity": {}, "Consistency": None},
    "model": {"architecture": "small_cnn"},
    "selector": {"name": "RepDiv"},
    "trainer": {},
}
ALWAYS = {"name", "dataset", "model", "selector", "trainer"}


def sections(name: str, **parameters: object) -> set[str]:
    return needed(CONTENT, {"name": name, **parameters}).keys() - ALWAYS


@pytest.mark.parametrize("name", ["FullData", "DynamicRandom", "StaticRandom", "InfoBatch"])
def test_what_reads_nothing_is_charged_nothing(name: str) -> None:
    assert sections(name) == set()


def test_scores_from_codes_need_features_and_the_autoencoder() -> None:
    assert sections("RepDiv") == {"features", "sae", "scores"}


def test_the_score_of_image_and_text_needs_features_and_adapters() -> None:
    assert sections("DensityConsistency") == {"features", "adapters", "scores"}
    assert sections("DensityConsistency", consistency=None) == set()


def test_a_proxy_score_needs_the_proxy_alone() -> None:
    assert sections("TopScore", score="el2n") == {"proxy"}


def test_what_the_proxy_collects_stays_whole_because_it_is_one_training() -> None:
    assert needed(CONTENT, {"name": "TopScore", "score": "el2n"})["proxy"] == CONTENT["proxy"]


def test_scores_that_are_not_read_are_left_out() -> None:
    found = needed(CONTENT, {"name": "TopScore", "score": "diversity"})
    assert found["scores"] == {"Diversity": {}}
    assert found["selector"] == {"name": "TopScore", "score": "diversity"}


def test_loaded_scores_stay_as_they_are_for_what_reads_any() -> None:
    content = CONTENT | {"scores": {"from": "a/folder"}}
    read = needed(content, {"name": "TopScore", "score": "diversity"})
    assert read.keys() - ALWAYS == {"scores"}
    assert needed(content, {"name": "FullData"}).keys() == ALWAYS


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"features"}, {"features"}),
        ({"sae_indices", "sae_values"}, {"features", "sae"}),
        ({"proxy_features"}, {"proxy"}),
    ],
)
def test_columns_that_a_selector_reads_need_the_section_that_makes_them(
    columns: set[str], expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass
    class Reader(Selector):
        def reads(self) -> frozenset[str]:
            return frozenset(columns)

        def select(self, epoch: int) -> Selection:
            raise NotImplementedError

    monkeypatch.setattr(selectors, "Reader", Reader, raising=False)
    assert sections("Reader") == expected


def test_the_content_given_is_left_as_it_was() -> None:
    before = repr(CONTENT)
    needed(CONTENT, {"name": "FullData"})
    assert repr(CONTENT) == before
