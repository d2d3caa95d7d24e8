"""Shares of a batch; that processes train the same is in test_scoring_processes."""

from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.sae.parallel import Share

sizes = st.integers(1, 5000)
pieces = st.integers(1, 3000)
processes = st.integers(1, 20)


def shares(items, piece, count):
    """Where the shares of all processes begin and end, each once."""
    every = [Share(items, piece, process, count) for process in range(count)]
    assert all(len(share) == share.rows.stop - share.rows.start for share in every)
    return sorted({(share.rows.start, share.rows.stop) for share in every})


@given(sizes, pieces, processes)
def test_every_item_is_in_one_share(items, piece, count):
    found = shares(items, piece, count)
    assert [row for ends in found for row in range(*ends)] == list(range(items))


@given(sizes, pieces, processes)
def test_shares_consist_of_the_pieces_of_one_process(items, piece, count):
    for start, stop in shares(items, piece, count):
        assert start % piece == 0 and (stop % piece == 0 or stop == items)


@given(sizes, pieces, processes)
def test_there_is_a_share_for_each_process_if_they_are_large_enough(items, piece, count):
    few = min(-(-items // piece), items // 256)
    assert len(shares(items, piece, count)) == max(1, min(count, few))
