"""What a run folder does not hold is made again by its recipe, or the error says what to do."""

import shutil

import numpy as np
import pytest

from hf_dynsel.figures.material import Material
from hf_dynsel.scores import add_scores, save_scores


@pytest.fixture
def copy(digits, tmp_path):
    """Returns a function that copies the run without some of its files."""

    def made(*without):
        folder = tmp_path / "copy"
        shutil.copytree(digits, folder)
        for name in without:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return folder

    return made


def test_codes_of_the_autoencoder_in_the_folder_are_those_of_the_recipe(digits, copy):
    stored, derived = Material(digits), Material(copy("sae"))
    assert stored.num_units == derived.num_units == 4 * 64
    for name, column in stored.codes.items():
        np.testing.assert_allclose(column, derived.codes[name], rtol=1e-6)


def test_scores_that_are_gone_are_computed_again(digits, copy):
    before, after = Material(digits).scored, Material(copy("scores")).scored
    assert list(after.scores) == list(before.scores)
    for name, values in before.scores.items():
        np.testing.assert_array_equal(values, after.scores[name])
    np.testing.assert_array_equal(before.labels, after.labels)


def test_representativeness_is_read_or_computed_from_codes(digits, copy):
    derived = Material(copy("scores")).representativeness
    np.testing.assert_array_equal(Material(digits).representativeness, derived)


def test_codes_in_the_folder_are_read_and_not_made(copy, digits, monkeypatch):
    folder, made = copy("sae"), Material(digits)
    scored = add_scores(made._coded, [made._representativeness])
    save_scores(scored, folder / "scores", hashed=False, also=["codes", "features"])
    monkeypatch.setattr("hf_dynsel.figures.material.encode", None)
    monkeypatch.setattr("hf_dynsel.figures.material.featured", None)
    read = Material(folder)
    np.testing.assert_array_equal(read.features, made.features)
    assert read.num_units == made.num_units
    for name, column in made.codes.items():
        np.testing.assert_array_equal(column, read.codes[name])


def test_a_run_without_selections_is_enough_where_they_are_not_needed(copy):
    folder = copy("selections.parquet")
    assert len(Material(folder).labels) == 240
    with pytest.raises(FileNotFoundError, match="has no selections.parquet"):
        _ = Material(folder, traced=True).run


def test_wrong_labels_are_those_of_the_data(noisy, digits):
    wrong = Material(noisy).wrong
    assert wrong.sum() == round(Material(noisy).run.summary.label_noise["pool"] * 240)
    assert Material(digits).wrong is None


def test_without_a_recipe_the_error_says_what_it_is_for(copy):
    with pytest.raises(FileNotFoundError, match="has no recipe.yaml, which says how to derive"):
        _ = Material(copy("recipe.yaml")).features


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("features", "no section 'features'; give one behind the command, such as features.back"),
        ("codes", "no section 'sae'; give one behind the command, such as sae="),
        ("scored", "no section 'scores'; give one behind the command, such as scores="),
    ],
)
def test_a_recipe_without_a_section_says_what_to_add(noisy, part, message):
    with pytest.raises(ValueError, match=message):
        getattr(Material(noisy, ["features.backbone=Pixels"] * (part == "codes")), part)


def test_a_section_behind_the_command_is_enough(noisy):
    added = ["features.backbone=Pixels", "sae={expansion: 2, k: 4, epochs: 1}"]
    made = Material(noisy, added)
    assert made.num_units == 128
    assert made.representativeness.shape == (240,)


def test_faults_of_a_changed_recipe_are_all_named(digits):
    with pytest.raises(ValueError, match="sae.kk: .*\nA recipe of another machine may need"):
        _ = Material(digits, ["sae.kk=3"]).recipe


def test_other_data_than_the_run_had_is_refused(digits):
    with pytest.raises(ValueError, match="the dataset fingerprint is"):
        _ = Material(digits, ["dataset.subset_seed=5"]).dataset
    with pytest.raises(ValueError, match="has 239 rows, but the run had 240 samples"):
        _ = Material(digits, ["dataset.train_size=239"]).dataset


def test_what_cannot_be_derived_here_says_why_and_what_to_name(digits):
    elsewhere = "dataset={loader: files, path: nowhere}"
    with pytest.raises(ValueError, match="needs the training set, .*\n?.*features.weights=FILE"):
        _ = Material(digits, [elsewhere]).dataset
