"""Valid repositories with random bytes changed are refused, or load; nothing else happens."""

from contextlib import suppress
from typing import Any

import pyarrow as pa
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_dynsel.scores.table import ScoreTable
from hostile_kit import KINDS, refusal
from unchecked_kit import unchecked as unchecked

ID = "alice/shared"
FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
EACH = pytest.mark.parametrize("kind", KINDS)
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unchecked")]


@st.composite
def damage(draw: Any) -> Any:
    """A change of bytes: some flipped, the end cut off, a piece lost or repeated, or noise."""
    how = draw(st.sampled_from(["flip", "cut", "drop", "repeat", "noise", "digits"]))
    seed, count = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 16))
    generator = torch.Generator().manual_seed(seed)

    def change(data: bytes) -> bytes:
        places = torch.randint(len(data), (count,), generator=generator).tolist()
        start, stop = min(places), min(places) + count
        if how == "cut":
            return data[:start]
        if how == "drop":
            return data[:start] + data[stop:]
        if how == "repeat":
            return data[:stop] + data[start:]
        changed = bytearray(data)
        for place in places:
            fresh = int(torch.randint(256, (1,), generator=generator))
            bit = 1 << int(torch.randint(8, (1,), generator=generator))
            digit = ord("0") + fresh % 10
            changed[place] = {"flip": changed[place] ^ bit, "noise": fresh}.get(how, digit)
        return bytes(changed)

    return change


def content(loaded: Any) -> Any:
    """Returns what was loaded, in a form that compares bit by bit."""
    if isinstance(loaded, ScoreTable):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, loaded.rows.schema) as writer:
            writer.write_table(loaded.rows.combine_chunks())
        return loaded.notes, sink.getvalue().to_pybytes()
    return loaded.fingerprint(), loaded.summary, loaded.origin


@EACH
@FUZZ
@given(change=damage(), which=st.integers(0, 1))
def test_bytes_changed_on_the_way_are_refused(hub, kind, tmp_path, monkeypatch, change, which):
    shared = KINDS[kind]
    name = sorted(shared.files())[which]
    data = shared.files()[name]
    changed = change(data)
    _fresh(hub, monkeypatch, tmp_path)
    hub.add(ID, dict(shared.files()), shared.repo_type)
    hub.tamper(name, changed)
    if changed == data:
        shared.load(ID)
    else:
        assert refusal(lambda: shared.load(ID))


@EACH
@FUZZ
@given(change=damage(), which=st.integers(0, 1))
def test_bytes_changed_by_the_author_load_or_are_refused(kind, tmp_path, change, which):
    """Here the hashes are right: the checks of the content are alone."""
    shared = KINDS[kind]
    name = sorted(shared.files())[which]
    folder = tmp_path / "shared"
    folder.mkdir(exist_ok=True)
    for file, data in shared.files().items():
        (folder / file).unlink(missing_ok=True)  # an earlier one may still be mapped
        (folder / file).write_bytes(change(data) if file == name else data)
    with suppress(ValueError):
        content(shared.load(folder))


def _fresh(hub: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Empties the Hub, and gives the client a cache of its own for each example."""
    hub.repos.clear()
    hub.faults.clear()
    count = len(list(tmp_path.iterdir()))
    cache = tmp_path / f"cache-{count}"
    cache.mkdir()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
