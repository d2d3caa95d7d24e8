"""Scoring in several processes gives what one gives, to the bit; killed anywhere, it resumes."""

import hashlib

import pytest

from hf_dynsel.sae import SparseAutoencoder
from hf_dynsel.scores import load_scores
from launching import TESTS, free_port, launch, once, torchrun

pytestmark = pytest.mark.slow

COUNTS = [1, 2, 3]


@pytest.fixture(scope="session")
def scored(tmp_path_factory, worker_id):
    """A folder for each number of processes."""
    folder = once("scored", score_all, tmp_path_factory, worker_id)
    return {count: folder / str(count) for count in COUNTS}


def score_all(folder):
    for count in COUNTS:
        (folder / str(count)).mkdir()
        torchrun(count, "scoring_run.py", str(folder / str(count)))


def content(folder, pattern):
    """What files hold, by their place under the folder's own entry of the cache."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob(pattern)
    }


@pytest.mark.parametrize("count", COUNTS[1:])
@pytest.mark.parametrize("column", ["features", "codes"])
def test_features_and_codes_are_those_of_one_process(column, count, scored):
    found, expected = (content(scored[n], f"cache/{column}/*/*.arrow") for n in (count, 1))
    assert found == expected and len(found) == {"features": 8, "codes": 1}[column]


@pytest.mark.parametrize("count", COUNTS[1:])
def test_weights_are_those_of_one_process(count, scored):
    found, expected = (content(scored[n], "run/sae/model.safetensors") for n in (count, 1))
    assert found == expected and len(found) == 1


@pytest.mark.parametrize("count", COUNTS)
def test_dead_units_are_revived_as_in_one_process(count, scored):
    expected = SparseAutoencoder.from_pretrained(scored[1] / "dead-0")
    for process in range(count):
        found = SparseAutoencoder.from_pretrained(scored[count] / f"dead-{process}")
        assert found.fingerprint() == expected.fingerprint()
        assert (found.summary.fvu, found.summary.dead_share) == (
            expected.summary.fvu,
            expected.summary.dead_share,
        )


@pytest.mark.parametrize("count", COUNTS[1:])
def test_scores_are_those_of_one_process(count, scored):
    found, expected = (load_scores(scored[n] / "run" / "scores") for n in (count, 1))
    assert len(list((scored[count] / "run" / "scores").glob("*.parquet"))) == count
    assert found.rows.equals(expected.rows) and len(found) == 1437
    assert len(expected.columns) == 4


@pytest.mark.parametrize("stage", ["features", "sae", "scores"])
def test_a_killed_process_costs_no_finished_stage(stage, scored, tmp_path):
    with pytest.raises(AssertionError):
        torchrun(2, "scoring_run.py", str(tmp_path), stage)
    left = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").glob("*/*/*.arrow")}
    whole = {"features": 8, "codes": 1}
    finished = {"features": [], "sae": ["features"], "scores": ["features", "codes"]}[stage]
    for column in finished:
        assert len(content(tmp_path, f"cache/{column}/*/*.arrow")) == whole[column]
    torchrun(2, "scoring_run.py", str(tmp_path))
    assert all(path.stat().st_mtime_ns == time for path, time in left.items())
    found, expected = (load_scores(folder / "run/scores") for folder in (tmp_path, scored[1]))
    assert found.rows.equals(expected.rows)


def test_accelerate_launch_starts_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path / "cache"))
    command = ["-m", "accelerate.commands.accelerate_cli", "launch", "--multi_gpu"]
    two = ["--num_processes=2", f"--main_process_port={free_port()}", "--num_machines=1"]
    plain = ["--mixed_precision=no", "--dynamo_backend=no", "-m", "hf_dynsel.cli", "score"]
    recipe = TESTS.parent / "recipes" / "quickstart_digits.yaml"
    shown = launch([*command, *two, *plain, str(recipe), f"output_dir={tmp_path}", "sae.epochs=1"])
    assert shown.count("scores: Representativeness, Diversity kept in") == 1
    assert len(load_scores(tmp_path / "scores")) == 1437
    assert len(list((tmp_path / "scores").glob("*.parquet"))) == 2


def test_processes_without_a_common_folder_are_refused(tmp_path):
    with pytest.raises(AssertionError, match="only 1 see what the main one writes.*that all share"):
        torchrun(2, "apart_run.py", str(tmp_path))
