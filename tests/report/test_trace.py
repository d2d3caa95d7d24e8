import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_dynsel.report.runfolder import RunFolder, read_run
from hf_dynsel.report.trace import epochs_of, follow, paint, rank

MakeRun = Callable[..., Path]
# Worked example of the usage penalty: 6 samples, 10 epochs, the last two on all data.
EPOCHS = [[0, 1], [0, 1], [0, 1], [0, 2], [0, 3], [4, 5], [4, 5], [4, 5], range(6), range(6)]


def with_selections(
    make_run: MakeRun, folder: Path, groups: Sequence[Sequence[tuple[int, int]]]
) -> RunFolder:
    """Returns a run of 6 samples and 10 epochs whose row groups hold these (epoch, index) pairs."""
    make_run(folder, size=6, epochs=10, classes=2)
    schema = pa.schema([("epoch", pa.int32()), ("index", pa.int64())])
    with pq.ParquetWriter(folder / "selections.parquet", schema) as writer:
        for group in groups:
            epochs, indices = zip(*group, strict=True)
            writer.write_table(pa.table([epochs, indices], schema=schema))
    return read_run(folder)


@pytest.fixture
def example(make_run: MakeRun, tmp_path: Path) -> RunFolder:
    return with_selections(make_run, tmp_path, [[(e, i) for i in s] for e, s in enumerate(EPOCHS)])


def test_usage_and_first_use_match_the_worked_example(example: RunFolder) -> None:
    trace = follow(example)
    assert trace.sizes.tolist() == [2] * 8 + [6] * 2
    assert trace.counts.tolist() == [7, 5, 3, 3, 5, 5]
    assert trace.first.tolist() == [0, 0, 3, 4, 5, 5]


def test_overlap_is_the_share_that_was_in_the_epoch_before(example: RunFolder) -> None:
    expected = [np.nan, 1, 1, 0.5, 0.5, 0, 1, 1, 1 / 3, 1]
    np.testing.assert_allclose(follow(example).overlap, expected)


def test_coverage_is_the_share_used_so_far(example: RunFolder) -> None:
    expected = np.array([2, 2, 2, 3, 4, 6, 6, 6, 6, 6]) / 6
    np.testing.assert_allclose(follow(example).coverage, expected)


def test_class_mix_and_mean_rank_of_all_samples_are_those_of_the_data(example: RunFolder) -> None:
    trace = follow(example)
    assert trace.class_mix is not None
    np.testing.assert_allclose(trace.class_mix[-1], [0.5, 0.5])
    np.testing.assert_allclose([ranks[-1] for ranks in trace.mean_rank.values()], [0.5, 0.5])


def test_row_groups_of_one_epoch_are_joined_and_mixed_ones_split(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = with_selections(make_run, tmp_path, [[(0, 1)], [(0, 2), (1, 3)], [(4, 5)]])
    found = {epoch: indices.tolist() for epoch, indices in epochs_of(run)}
    assert found == {0: [1, 2], 1: [3], 4: [5]}


def test_an_epoch_after_a_gap_has_no_overlap(make_run: MakeRun, tmp_path: Path) -> None:
    trace = follow(with_selections(make_run, tmp_path, [[(0, 1)], [(4, 1)]]))
    assert trace.sizes.tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert np.isnan(trace.overlap).all()


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([[(1, 0)], [(0, 0)]], "epoch 0 after epoch 1: sort it by epoch"),
        ([[(0, 6)]], "index 6, but the run's summary allows 0 to 5"),
        ([[(0, -1)]], "index -1, but the run's summary allows 0 to 5"),
        ([[(10, 0)]], "epoch 10, but the run's summary allows 0 to 9"),
        ([], "holds no samples: no epoch was trained"),
    ],
)
def test_selections_that_do_not_fit_the_run_are_refused(
    make_run: MakeRun, tmp_path: Path, groups: list[list[tuple[int, int]]], message: str
) -> None:
    run = with_selections(make_run, tmp_path, groups)
    with pytest.raises(ValueError, match=message):
        follow(run)


def test_ties_share_their_rank_and_ranks_are_one_half_on_average() -> None:
    """Ranks 1, 2.5, 2.5, 4 of 4, each less one half, over 4."""
    assert rank(np.array([0.1, 0.5, 0.5, 0.9])).tolist() == [0.125, 0.5, 0.5, 0.875]


def test_a_picture_holds_the_share_of_each_row_used_in_each_epoch(example: RunFolder) -> None:
    """Rows {0, 2} and {4}; samples 1, 3 and 5 are left out."""
    picture = paint(example, np.array([0, -1, 0, -1, 1, -1]), 2)
    assert picture[0].tolist() == [0.5, 0.5, 0.5, 1, 0.5, 0, 0, 0, 1, 1]
    assert picture[1].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]


@pytest.fixture(scope="module")
def large(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return read_run(make_run(tmp_path_factory.mktemp("large"), size=200_000, epochs=30))


def test_a_large_run_is_binned_within_seconds(large: RunFolder) -> None:
    start = time.perf_counter()
    trace = follow(large)
    picture = paint(large, np.arange(200_000) // 1000, 200)
    assert time.perf_counter() - start < 10
    assert picture.shape == (200, 30)
    np.testing.assert_allclose(picture.mean(0) * 200_000, trace.sizes)


def test_no_more_than_three_epochs_are_in_memory(large: RunFolder) -> None:
    """A full epoch takes 12 bytes per sample; the whole file holds 12 full epochs in 30."""
    held = pa.total_allocated_bytes()
    peak = max(pa.total_allocated_bytes() - held for _ in epochs_of(large))
    assert 0 < peak <= 3 * 12 * 200_000
