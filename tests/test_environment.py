import json
import os
import platform
import subprocess
from importlib.metadata import version

import pytest
import torch

from hf_dynsel import environment as module
from hf_dynsel.environment import environment


def test_versions_are_those_installed():
    found = environment()
    assert found["python"] == platform.python_version()
    assert found["packages"]["torch"] == version("torch")
    assert found["packages"]["hf-dynsel"] == version("hf-dynsel")


def test_packages_that_are_missing_are_left_out(monkeypatch):
    monkeypatch.setattr(module, "PACKAGES", ("numpy", "no-such-package"))
    assert list(environment()["packages"]) == ["numpy"]


def test_hardware_is_what_torch_sees():
    found = environment()
    assert found["cpus"] == os.cpu_count()
    assert found["torch_threads"] == torch.get_num_threads() == 1
    assert len(found["devices"]) == torch.cuda.device_count()
    assert found["cuda"] == (torch.version.cuda if found["devices"] else None)
    assert found["cpu"]


def test_a_report_is_plain_json():
    found = environment()
    assert json.loads(json.dumps(found)) == found


def git(folder, *command):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *command], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Places the module at a path inside a repository of one commit."""
    git(tmp_path, "init")
    (tmp_path / "README").write_text("a")
    git(tmp_path, "add", "README")
    git(tmp_path, "commit", "-m", "first")

    def place(*parts):
        (tmp_path.joinpath(*parts)).mkdir(parents=True)
        monkeypatch.setattr(module, "__file__", str(tmp_path.joinpath(*parts, "environment.py")))
        return tmp_path

    return place


def test_the_commit_is_that_of_the_checkout(checkout):
    root = checkout("hf_dynsel")
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=root, text=True)
    assert environment()["commit"] == head[:12]


def test_changes_that_are_not_committed_are_said(checkout):
    root = checkout("hf_dynsel")
    (root / "README").write_text("b")
    assert environment()["commit"].endswith("-dirty")


def test_installed_in_another_projects_checkout_there_is_no_commit(checkout):
    """A virtual environment usually lies in the folder of the project that uses it."""
    checkout(".venv", "lib", "python3.11", "site-packages", "hf_dynsel")
    assert environment()["commit"] is None


def test_outside_of_any_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "__file__", str(tmp_path / "environment.py"))
    assert environment()["commit"] is None


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert environment()["commit"] is None
