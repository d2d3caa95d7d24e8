"""Model repositories that are broken or mean harm are refused, in one sentence, and run nothing."""

import gzip
import pickle
import re

import pytest
import torch

from hostile_kit import (
    CONFIG,
    KINDS,
    WEIGHTS,
    Hostile,
    edited,
    entry,
    evil_checkpoint,
    evil_pickle,
    first_tensor,
    header,
    put,
    refusal,
    rewritten,
    tensors,
    without,
)
from unchecked_kit import unchecked as unchecked

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unchecked")]
ID = "alice/shared"
DAMAGED = "is damaged or not a safetensors file"
NOT_JSON = "config.json is not JSON"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 264\n"
BOMB = b"---\na: &a [x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 121)
)
EVIL_CARD = BOMB + b"tags: !!python/object/apply:os.system ['exit 1']\n---\n"

OF_WEIGHTS = [
    Hostile("pickle", put(WEIGHTS, evil_pickle), DAMAGED),
    Hostile("torch checkpoint", put(WEIGHTS, evil_checkpoint), DAMAGED),
    Hostile(
        "checkpoint instead",
        lambda files, marker: put("pytorch_model.bin", evil_checkpoint)(
            without(WEIGHTS)(files, marker), marker
        ),
        "has no model.safetensors",
    ),
    Hostile("empty", put(WEIGHTS, b""), DAMAGED),
    Hostile("truncated", lambda f, _: {**f, WEIGHTS: f[WEIGHTS][:-4]}, DAMAGED),
    Hostile("only a header", lambda f, _: {**f, WEIGHTS: f[WEIGHTS][:60]}, DAMAGED),
    Hostile("pointer of git lfs", put(WEIGHTS, POINTER), DAMAGED),
    Hostile("text of a link", put(WEIGHTS, b"../../../../etc/passwd"), DAMAGED),
    Hostile("page of an error", put(WEIGHTS, b"<html>" + b"Not found. " * 50), DAMAGED),
    Hostile("gzip", put(WEIGHTS, gzip.compress(bytes(10**6))), DAMAGED),
    Hostile(
        "length of the header",
        lambda f, _: {**f, WEIGHTS: (2**63).to_bytes(8, "little") + f[WEIGHTS][8:]},
        DAMAGED,
    ),
    Hostile(
        "length of the header 2",
        lambda f, _: {**f, WEIGHTS: (10**6).to_bytes(8, "little") + f[WEIGHTS][8:]},
        DAMAGED,
    ),
    Hostile("header no json", header(lambda h: b"{" * 1000), DAMAGED),
    Hostile("header of pickle", header(lambda h: pickle.dumps(h)), DAMAGED),
    Hostile("overlap", header(entry(data_offsets=[0, 8])), DAMAGED),
    Hostile("beyond the end", header(entry(data_offsets=[0, 2**40])), DAMAGED),
    Hostile("negative offsets", header(entry(data_offsets=[-4, 8])), DAMAGED),
    Hostile("overflowing shape", header(entry(shape=[2**62, 8])), DAMAGED),
    Hostile("unknown type", header(entry(dtype="PICKLE")), DAMAGED),
    Hostile("more behind", header(lambda h: h, tail=bytes(4)), DAMAGED),
    Hostile("half", first_tensor(torch.Tensor.half), "has type F16, but its config asks for F32"),
    Hostile("whole numbers", first_tensor(torch.Tensor.int), "has type I32, but its config"),
    Hostile("nan", first_tensor(lambda t: t * torch.nan), "holds NaN or an infinity"),
    Hostile("infinity", first_tensor(lambda t: t + torch.inf), "holds NaN or an infinity"),
    Hostile("transposed", first_tensor(lambda t: t.T), "has shape .* but its config asks for"),
    Hostile("wider", first_tensor(lambda t: t.repeat(1, 2)), "has shape .* but its config"),
    Hostile("no tensors", tensors(lambda t: {}), "it is of another model"),
    Hostile("an extra one", tensors(lambda t: t | {"x": torch.ones(1)}), "of another model"),
    Hostile("renamed", tensors(lambda t: {f"m.{n}": v for n, v in t.items()}), "of another model"),
    Hostile("too large", put(WEIGHTS, bytes(200_000)), "200,000 bytes, more than .* allowed"),
]
OF_CONFIG = [
    Hostile("no file", without(CONFIG), "has no config.json"),
    Hostile("nothing at all", without(CONFIG, WEIGHTS), "has no config.json"),
    Hostile("config empty", put(CONFIG, b""), NOT_JSON),
    Hostile("config no json", put(CONFIG, b'{"input_dim": 3'), NOT_JSON),
    Hostile("config a pickle", put(CONFIG, evil_pickle), NOT_JSON),
    Hostile("config no text", put(CONFIG, b"\xff\xfe{\x00}\x00"), NOT_JSON),
    Hostile("config yaml", put(CONFIG, b"!!python/object/apply:os.abort []"), NOT_JSON),
    Hostile("config pointer", put(CONFIG, POINTER), NOT_JSON),
    Hostile("config a list", put(CONFIG, b"[]"), "must hold one JSON object, got a list"),
    Hostile("config null", put(CONFIG, b"null"), "must hold one JSON object, got a NoneType"),
    Hostile("config deep", put(CONFIG, b'{"a":' * 10**5 + b"1" + b"}" * 10**5), NOT_JSON),
    Hostile("config large", put(CONFIG, b'{"a": "' + b"a" * 10**6 + b'"}'), "1,000,009 bytes"),
    Hostile("key twice", rewritten(CONFIG, "{", '{"training": null,'), "is there twice"),
    Hostile("NaN", rewritten(CONFIG, '"seconds": 0.5', '"seconds": NaN'), "NaN is no number"),
    Hostile("Infinity", rewritten(CONFIG, '"seconds": 0.5', '"seconds": -Infinity'), "no number"),
    Hostile(
        "overflow", rewritten(CONFIG, '"seconds": 0.5', '"seconds": 1e999'), "too large a number"
    ),
    Hostile("digits", rewritten(CONFIG, '"steps": 4', f'"steps": {"9" * 5000}'), NOT_JSON),
    Hostile("auto_map", edited(CONFIG, auto_map={"AutoModel": "evil.Model"}), "unknown keys"),
    Hostile("own code", edited(CONFIG, trust_remote_code=True), "unknown keys"),
    Hostile("architectures", edited(CONFIG, architectures=["Evil"]), "unknown keys"),
    Hostile("training a list", edited(CONFIG, training=[1]), "must hold an object for"),
    Hostile("training lacks", edited(CONFIG, training={"steps": 1}), "lacks the keys"),
    Hostile("origin a text", edited(CONFIG, origin="x"), "must hold an object for Origin"),
    Hostile("origin more", edited(CONFIG, origin={"code": "x"}), "unknown keys"),
    Hostile("of another kind", put(CONFIG, b'{"model_type": "bert"}'), "unknown keys"),
]
SAE = [
    Hostile("negative", edited(CONFIG, input_dim=-3), "input_dim must be at least 1, got -3"),
    Hostile("zero", edited(CONFIG, num_latents=0), "num_latents must be at least 1, got 0"),
    Hostile("too many kept", edited(CONFIG, k=7), "k is 7, but there are only 6 units"),
    Hostile("half a unit", edited(CONFIG, k=1.5), "k must be an int, got 1.5"),
    Hostile("a text", edited(CONFIG, k="2"), "k must be an int, got '2'"),
    Hostile("a truth", edited(CONFIG, k=True), "k must be an int, got True"),
    Hostile("a list", edited(CONFIG, input_dim=[3]), r"input_dim must be an int, got \[3\]"),
    Hostile("gigantic", edited(CONFIG, num_latents=10**12), "more than 16 GiB"),
    Hostile("beyond floats", edited(CONFIG, num_latents=10**400), "more than 16 GiB"),
    Hostile("large", edited(CONFIG, num_latents=10**9), r"asks for \(1000000000, 3\)"),
    Hostile("rule", edited(CONFIG, topk_mode={"a": 1}), "topk_mode must be one of"),
    Hostile("lacks", edited(CONFIG, k=...), r"lacks the keys \['k'\]"),
    Hostile("share", rewritten(CONFIG, '"fvu": 0.25', '"fvu": -1'), "fvu must be finite and at"),
    Hostile("quantiles", rewritten(CONFIG, '"unit_frequency": null', '"unit_frequency": [1]'), "k"),
]
ADAPTERS = [
    Hostile("kind", edited(CONFIG, kind="deep"), "kind: Input should be 'linear' or 'mlp'"),
    Hostile("no classes", edited(CONFIG, classes=[], words=[]), "classes must not be empty"),
    Hostile("classes", edited(CONFIG, classes="abc"), "classes: "),
    Hostile("words", edited(CONFIG, words=["a"]), "words must be one for each of the 3 classes"),
    Hostile("zero", edited(CONFIG, sample_dim=0), "sample_dim must be at least 1"),
    Hostile("gigantic", edited(CONFIG, text_dim=10**12), "more than 16 GiB"),
    Hostile("beyond floats", edited(CONFIG, text_dim=10**400), "more than 16 GiB|text_dim: "),
    Hostile("encoder", edited(CONFIG, sample_encoder=[]), "sample_encoder: Input should be"),
    Hostile("seed", edited(CONFIG, seed="0"), "seed: Input should be a valid integer"),
]
CASES = [
    pytest.param(kind, case, id=f"{kind}-{case.name}")
    for kind, cases in {
        "sae": [*OF_WEIGHTS, *OF_CONFIG, *SAE],
        "adapters": [*OF_WEIGHTS, *OF_CONFIG, *ADAPTERS],
    }.items()
    for case in cases
]


def test_there_are_enough_cases_and_each_has_a_name_of_its_own():
    assert len(CASES) >= 45
    assert len({case.id for case in CASES}) == len(CASES)


def test_the_pickles_would_do_what_must_not_happen(tmp_path):
    pickle.loads(evil_pickle(tmp_path / "marker"))
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_repositories_are_valid_before_they_are_changed(hub, kind):
    hub.add(ID, dict(KINDS[kind].files()), KINDS[kind].repo_type)
    KINDS[kind].load(ID)


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_hostile_model_is_refused(hub, tmp_path, kind, case):
    marker = tmp_path / "marker"
    hub.add(ID, dict(case.change(KINDS[kind].files(), marker)))
    told = refusal(lambda: KINDS[kind].load(ID))
    assert re.search(case.message, told), told
    assert not marker.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_is_not_read(hub, tmp_path, kind):
    """It holds a YAML bomb and a tag that would run a command."""
    marker = tmp_path / "marker"
    extra = {
        "README.md": EVIL_CARD,
        "modeling.py": b"raise SystemExit",
        "x.pkl": evil_pickle(marker),
    }
    hub.add(ID, {**KINDS[kind].files(), **extra}, KINDS[kind].repo_type)
    KINDS[kind].load(ID)
    asked = {line.rsplit("/", 1)[-1] for line in hub.requests if "/resolve/" in line}
    assert not asked & extra.keys()
    assert not marker.exists()
