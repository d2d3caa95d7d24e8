"""Codes that are kept in files: the same as those in memory, and never made again."""

import numpy as np
import pytest
from datasets import Dataset, Features, List, Value

from hf_dynsel.provenance import record
from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig, add_codes

SAE = SparseAutoencoder(SparseAutoencoderConfig(4, 12, 3))
SIZE = 4  # rows in a batch, two batches in a file


@pytest.fixture
def rows():
    values = np.random.default_rng(0).standard_normal((19, 4)).astype(np.float32)
    kinds = Features({"features": List(Value("float32"), length=4), "x": Value("int64")})
    data = Dataset.from_dict({"features": values, "x": [*range(19)]}, kinds)
    return record(data, "features", {"backbone": "Toy"})


def content(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*/*")}


def test_codes_in_files_are_those_in_memory(rows, tmp_path):
    kept = add_codes(rows, SAE, batch_size=SIZE, cache_dir=tmp_path)
    plain = add_codes(rows, SAE, batch_size=SIZE)
    assert kept.features == plain.features
    assert kept.info.description == plain.info.description
    for name in kept.column_names:
        assert kept[name][:] == plain[name][:]
    assert len(list(tmp_path.glob("*/*.arrow"))) == 3


def test_codes_in_files_are_mapped_and_not_copied(rows, tmp_path):
    kept = add_codes(rows, SAE, batch_size=SIZE, cache_dir=tmp_path)
    mapped = {entry["filename"] for entry in kept.cache_files}
    assert mapped == {str(path) for path in tmp_path.glob("*/*.arrow")}


@pytest.mark.parametrize("stopped", [0, 2, 4])
def test_finished_files_stay_after_a_stop(rows, tmp_path, monkeypatch, stopped):
    """A stop in batch 2, the first of the second file, leaves the first one."""
    add_codes(rows, SAE, batch_size=SIZE, cache_dir=tmp_path / "whole")
    calls, standardize = [], SparseAutoencoder.standardize

    def stop(self, features):
        if len(calls) == stopped:
            raise KeyboardInterrupt
        calls.append(len(features))
        return standardize(self, features)

    with monkeypatch.context() as patched:
        patched.setattr(SparseAutoencoder, "standardize", stop)
        with pytest.raises(KeyboardInterrupt):
            add_codes(rows, SAE, batch_size=SIZE, cache_dir=tmp_path / "cut")
    left = {path: path.stat().st_mtime_ns for path in (tmp_path / "cut").glob("*/*.arrow")}
    assert len(left) == stopped // 2
    add_codes(rows, SAE, batch_size=SIZE, cache_dir=tmp_path / "cut")
    assert content(tmp_path / "cut") == content(tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == time for path, time in left.items())


def test_other_weights_have_files_of_their_own(rows, tmp_path):
    other = SparseAutoencoder(SAE.config, seed=1)
    for sae in (SAE, other):
        found = add_codes(rows, sae, batch_size=SIZE, cache_dir=tmp_path)
        assert found["sae_values"][:] == add_codes(rows, sae, batch_size=SIZE)["sae_values"][:]
    assert len(list(tmp_path.iterdir())) == 2


def test_features_of_unknown_origin_are_not_kept(rows, tmp_path):
    bare = Dataset.from_dict({"features": rows["features"][:]})
    with pytest.raises(ValueError, match="nothing is noted on these; make them with"):
        add_codes(bare, SAE, cache_dir=tmp_path)
