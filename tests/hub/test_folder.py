"""Only plain files of the folder are ever sent."""

import os

import pytest

from hf_dynsel.hub import push
from hf_dynsel.hub.folder import LARGEST, files_of
from hub_kit import write


def test_files_are_named_by_their_place_in_the_folder(tmp_path):
    write(tmp_path, {"b/c.json": b"1", "a.json": b"2"})
    assert files_of(tmp_path) == {
        "a.json": tmp_path / "a.json",
        "b/c.json": tmp_path / "b" / "c.json",
    }


@pytest.mark.parametrize("target", ["a.json", "/etc/hostname", "missing", "sub"])
def test_a_link_is_refused_wherever_it_leads(tmp_path, target):
    write(tmp_path, {"a.json": b"1", "sub/b.json": b"2"})
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(ValueError, match="link' is a symbolic link, and only files are pushed"):
        files_of(tmp_path)


@pytest.mark.parametrize("name", [".env", ".git/config", "sub/.cache/x"])
def test_a_hidden_file_is_refused(tmp_path, name):
    write(tmp_path, {"a.json": b"1", name: b"2"})
    with pytest.raises(ValueError, match="is hidden, and only visible files are pushed"):
        files_of(tmp_path)


@pytest.mark.parametrize("name", ["a\\b", "a\nb"])
def test_a_name_that_other_systems_cannot_hold_is_refused(tmp_path, name):
    write(tmp_path, {name: b"1"})
    with pytest.raises(ValueError, match="has a name that other systems cannot hold"):
        files_of(tmp_path)


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe' is neither a file nor a folder"):
        files_of(tmp_path)


def test_a_folder_without_files_is_refused(tmp_path):
    (tmp_path / "sub").mkdir()
    with pytest.raises(ValueError, match="holds no files; there is nothing to push"):
        files_of(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="x' is not a folder; give the folder"):
        files_of(tmp_path / "x")


def test_a_file_over_the_limit_of_the_hub_is_refused_before_anything_is_sent(hub, tmp_path):
    write(tmp_path / "up", {"a.json": b"1", "huge.bin": b""})
    os.truncate(tmp_path / "up" / "huge.bin", LARGEST + 1)  # takes no room on the disk
    with pytest.raises(ValueError, match="huge.bin' has 50,000,000,001 bytes.*split it"):
        push(tmp_path / "up", "alice/r", repo_type="model", message="m", owned=())
    assert hub.requests == []
