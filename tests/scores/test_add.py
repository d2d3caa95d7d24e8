import subprocess
import sys
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Value

import hf_dynsel.scores as scores
from hf_dynsel.provenance import fingerprint, record, recorded
from hf_dynsel.scores import Diversity, Representativeness, Score, add_scores
from hf_dynsel.scores.add import ADDED_BY

ALL = [
    exported
    for exported in (getattr(scores, name) for name in scores.__all__)
    if isinstance(exported, type) and issubclass(exported, Score) and exported is not Score
]


@final
@dataclass(frozen=True, kw_only=True)
class Broken(Score):
    name: ClassVar[str] = "broken"
    columns: ClassVar[tuple[str, ...]] = ("sae_values",)

    def compute(self, columns, labels):
        return np.where(np.arange(len(columns["sae_values"])) == 3, np.nan, 1.0)


@pytest.fixture
def coded(e4) -> Dataset:
    columns, labels = e4
    dataset = Dataset.from_dict({"text": list("abcde"), "label": labels, **columns})
    return record(dataset, "sae", {"config": {"num_latents": 6}, "sae_fingerprint": "f00d"})


REP = Representativeness(common_frac=0.5)


def test_scores_become_float_columns_named_after_them(coded):
    scored = add_scores(coded, [REP, Diversity()])
    assert scored.features["score_representativeness"] == Value("float32")
    np.testing.assert_allclose(scored["score_representativeness"], [0, 0, 0.5, 0.5, 1])
    np.testing.assert_allclose(scored["score_diversity"], [0, 1, 0, 1, 1 / 3], atol=1e-6)
    assert scored["text"][:] == list("abcde")


def test_the_note_says_what_each_column_was_computed_from(coded):
    note = recorded(add_scores(coded, [REP]))["scores"]["representativeness"]
    assert note["class"] == "Representativeness"
    assert note["config"] == {"normalize": "minmax", "common_frac": 0.5, "num_latents": 6}
    assert (note["dataset_fingerprint"], note["num_rows"]) == (fingerprint(coded), 5)
    assert note["label"] == "label"
    assert note["sae"]["sae_fingerprint"] == "f00d"
    assert note["library_version"]


def test_a_second_score_keeps_the_first_and_the_same_score_is_replaced(coded):
    first = add_scores(coded, [REP])
    both = add_scores(first, [Diversity()])
    again = add_scores(both, [Diversity(normalize="rank")])
    assert set(recorded(both)["scores"]) == {"representativeness", "diversity"}
    assert recorded(again)["scores"]["diversity"]["config"] == {"normalize": "rank"}
    assert again["score_diversity"][:] == [0.125, 0.875, 0.125, 0.875, 0.5]
    assert again["score_representativeness"][:] == first["score_representativeness"][:]


def test_a_score_added_to_a_filtered_dataset_gets_its_own_provenance(coded):
    """Among the last three items m = [3, 1, 3, 0, 1], so Div = [2/3, 5/3, 5/3]."""
    part = add_scores(coded, [REP]).filter(lambda label: label == 1, input_columns="label")
    part = add_scores(part, [Diversity()])
    old, new = (recorded(part)["scores"][n] for n in ("representativeness", "diversity"))
    assert (old["num_rows"], new["num_rows"]) == (5, 3)
    assert old["dataset_fingerprint"] == fingerprint(coded)
    assert new["dataset_fingerprint"] == fingerprint(part) != old["dataset_fingerprint"]
    np.testing.assert_allclose(part["score_diversity"], [0, 1, 1], atol=1e-6)


UNLABELLED = [0, 0, 0, 0, 1]


def test_without_a_label_column_the_data_counts_as_unlabelled(coded):
    for scored in (
        add_scores(coded.remove_columns("label"), [REP]),
        add_scores(coded, [REP], label=None),
    ):
        assert scored["score_representativeness"][:] == UNLABELLED
        assert recorded(scored)["scores"]["representativeness"]["label"] is None


def test_real_valued_targets_are_no_classes(coded):
    targets = coded.cast_column("label", Value("float32"))
    scored = add_scores(targets, [REP])
    assert scored["score_representativeness"][:] == UNLABELLED


@pytest.mark.parametrize(
    "recode",
    [
        lambda d: d.cast_column("label", ClassLabel(names=["cat", "dog"])),
        lambda d: d.cast_column("label", Value("string")),
        lambda d: d.cast_column("label", Value("bool")),
        lambda d: d.map(lambda row: {"label": 7 + 5 * row["label"]}),
    ],
    ids=["ClassLabel", "string", "bool", "gaps"],
)
def test_any_kind_of_class_column_counts(coded, recode):
    scored = add_scores(recode(coded), [REP])
    np.testing.assert_allclose(scored["score_representativeness"], [0, 0, 0.5, 0.5, 1])


@pytest.mark.parametrize("name", ["labels", "label_ids"])
def test_a_class_column_of_another_usual_name_is_not_passed_over(coded, name):
    renamed = coded.rename_column("label", name)
    with pytest.raises(ValueError, match="no column 'label'.*pass the name of the class column"):
        add_scores(renamed, [REP])
    scored = add_scores(renamed, [REP], label=name)
    np.testing.assert_allclose(scored["score_representativeness"], [0, 0, 0.5, 0.5, 1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 0, -1, 1, -1], r"row 2 has label -1, which is no class; .* \(2 in all\)"),
        ([0, None, 1, 1, 1], "row 1 has label None, which is no class"),
        ([[0], [1], [0], [1], [0]], "holds list<.*>, which is no class"),
    ],
)
def test_labels_that_are_no_classes_are_refused(coded, labels, message):
    wrong = coded.remove_columns("label").add_column("label", labels)
    with pytest.raises(ValueError, match=message):
        add_scores(wrong, [REP])


def test_a_missing_column_is_named_with_what_adds_it(coded):
    with pytest.raises(ValueError, match="reads the column 'sae_values'.*hf_dynsel.sae.add_codes"):
        add_scores(coded.remove_columns("sae_values"), [Diversity()])


def test_a_score_that_is_nan_is_refused_with_its_row(coded):
    with pytest.raises(ValueError, match="'broken' is NaN or infinite for 1 rows.*row 3"):
        add_scores(coded, [Broken()])


def test_the_same_score_twice_is_refused(coded):
    with pytest.raises(ValueError, match=r"\['diversity'\] are given twice"):
        add_scores(coded, [Diversity(), Diversity(normalize="rank")])


def test_an_empty_dataset_is_refused(coded):
    with pytest.raises(ValueError, match="no rows to score"):
        add_scores(coded.select([]), [Diversity()])


def test_codes_of_different_lengths_are_refused(coded):
    ragged = coded.remove_columns("sae_values").add_column("sae_values", [[1.0]] * 4 + [[1.0, 1.0]])
    with pytest.raises(ValueError, match="'sae_values' holds lists of different lengths"):
        add_scores(ragged, [Diversity()])


@pytest.mark.parametrize("score", ALL, ids=lambda score: score.name)
def test_every_score_says_who_adds_the_columns_it_reads(score):
    assert score.columns
    assert set(score.columns) <= set(ADDED_BY)


def test_scores_are_computed_without_torch():
    check = """
import sys
import numpy as np
from hf_dynsel.scores import Diversity
columns = {"sae_indices": np.zeros((2, 1), int), "sae_values": np.ones((2, 1))}
assert Diversity().values(columns, None).tolist() == [0, 0]
assert not {"torch", "datasets", "transformers"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", check], check=True)
