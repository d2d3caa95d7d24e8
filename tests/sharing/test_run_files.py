"""Whoever made a repository of a run: what is pulled is checked, and nothing in it is executed."""

import json
import pickle
import struct
from pathlib import Path

import pytest

from hf_dynsel.sharing import pull_run
from hf_dynsel.sharing.run_files import model_files
from run_kit import write_run


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("owned"),)


def header(content, data=b""):
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text + data


def edited(name, **changes):
    def change(files):
        return {name: json.dumps(json.loads(files[name]) | changes).encode()}

    return change


def put(name, data):
    return lambda files: {name: data}


INDEX = "model.safetensors.index.json"
CASES = {
    "weights are a pickle": (put("model.safetensors", pickle.dumps(Evil())), "not a safetensors"),
    "weights are cut": (
        lambda files: {"model.safetensors": files["model.safetensors"][:-100]},
        "damaged or not a safetensors file",
    ),
    "weights hold nothing": (put("model.safetensors", header({})), "holds no weights"),
    "a header beyond the file": (
        put("model.safetensors", struct.pack("<Q", 2**40) + b"{}"),
        "damaged or not a safetensors file",
    ),
    "no weights": (lambda files: {"model.safetensors": None}, "has no model.safetensors"),
    "no config": (lambda files: {"config.json": None}, "has no config.json"),
    "no summary": (lambda files: {"summary.json": None}, "has no summary.json"),
    "config is a list": (put("config.json", b"[]"), "must hold one JSON object"),
    "config names code": (
        edited("config.json", auto_map={"AutoModel": "evil.Model"}),
        "names code to run",
    ),
    "tokenizer names code": (
        edited("tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.T", None]}),
        "names code to run",
    ),
    "config too large": (put("config.json", b" " * 2**21), "more than the 1,048,576"),
    "a part outside": (
        put(INDEX, json.dumps({"weight_map": {"a": "../../evil.safetensors"}}).encode()),
        "as a part of the weights",
    ),
    "a part that is a pickle": (
        put(INDEX, json.dumps({"weight_map": {"a": "pytorch_model.bin"}}).encode()),
        "as a part of the weights",
    ),
    "no parts": (put(INDEX, b"{}"), "lists 'nothing' as a part"),
    "a part that is missing": (
        put(INDEX, json.dumps({"weight_map": {"a": "model-00001-of-00001.safetensors"}}).encode()),
        "has no model-00001-of-00001.safetensors",
    ),
    "summary is cut": (lambda files: {"summary.json": files["summary.json"][:50]}, "is not JSON"),
    "summary nests deeply": (put("summary.json", b'{"a":' * 10**5), "is not JSON"),
    "summary lacks counts": (put("summary.json", b"{}"), "recipe: Field required"),
    "a count is a text": (edited("summary.json", samples_full="many"), "samples_full"),
    "a count below one": (edited("summary.json", samples_trained=0), "cannot have"),
    "epochs that are not there": (edited("summary.json", epochs=10**9), "of 1000000000 epochs"),
    "not a number": (
        lambda files: {"summary.json": files["summary.json"].replace(b"0.625", b"NaN")},
        "NaN is no number",
    ),
    "recipe runs code": (
        put("recipe.yaml", b"!!python/object/apply:os.mkdir ['owned']"),
        "not valid YAML",
    ),
    "recipe is a list": (put("recipe.yaml", b"- a"), "is no recipe"),
    "recipe without a name": (put("recipe.yaml", b"seed: 0"), "is no recipe"),
    "recipe nests deeply": (put("recipe.yaml", b"a: " + b"[" * 10**4), "recipe"),
    "recipe with a key twice": (put("recipe.yaml", b"name: a\nname: b"), "stands twice"),
    "recipe is binary": (put("recipe.yaml", b"\xff\xfe\x00"), "recipe"),
}


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """The files of a repository that `push_run` made, but for the card."""
    folder = write_run(tmp_path_factory.mktemp("valid") / "run")
    paths = [*model_files(folder / "model").values(), folder / "summary.json"]
    return {path.name: path.read_bytes() for path in [*paths, folder / "recipe.yaml"]}


@pytest.mark.parametrize(("change", "message"), CASES.values(), ids=CASES)
def test_a_hostile_or_broken_run_is_refused(hub, valid, tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    files = valid | change(valid)
    hub.add("alice/bad", {name: data for name, data in files.items() if data is not None})
    with pytest.raises((OSError, ValueError), match=message):
        pull_run("alice/bad", tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()
    assert not (tmp_path / "owned").exists()


def test_files_of_other_names_are_not_downloaded(hub, valid, tmp_path):
    more = {"modeling_evil.py": b"1 / 0", "training_args.bin": pickle.dumps(Evil())}
    hub.add("alice/more", valid | more)
    pull_run("alice/more", tmp_path / "pulled")
    assert {path.name for path in (tmp_path / "pulled").iterdir()} == valid.keys()
    assert not more.keys() & {path.name for path in tmp_path.rglob("*")}
