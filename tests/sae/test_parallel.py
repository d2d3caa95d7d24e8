"""Shares of a batch; that processes train the same is in test_scoring_processes."""

from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig
from hf_dynsel.sae.parallel import Share, Team

sizes = st.integers(1, 5000)
processes = st.integers(1, 20)


def shares(items, count):
    return [Share(items, process, count) for process in range(count)]


def blocks(items, count):
    return {block for share in shares(items, count) for block in share.blocks}


@given(sizes, processes)
def test_products_are_the_same_whatever_the_number_of_processes(items, count):
    assert blocks(items, count) == blocks(items, 1)


@given(sizes, processes)
def test_every_item_is_in_one_share_but_where_processes_outnumber_blocks(items, count):
    rows = sorted({(share.rows.start, share.rows.stop) for share in shares(items, count)})
    assert [row for own in rows for row in range(*own)] == list(range(items))
    assert len(rows) == min(count, len(blocks(items, 1)))


@given(sizes)
def test_blocks_are_up_to_eight_of_at_least_256_items(items):
    found = blocks(items, 1)
    assert len(found) in (1, 2, 4, 8)
    assert len(found) == 1 or min(map(len, found)) >= 256
    assert len(found) == 8 or items < 2 * 256 * len(found)


@given(sizes, processes, st.data())
def test_a_table_has_room_for_the_share_of_any_batch_up_to_the_largest(largest, count, data):
    items = data.draw(st.integers(1, largest))
    sae = SparseAutoencoder(SparseAutoencoderConfig(1, 1, 1))
    for process in range(count):
        table = Team(process, count).table(sae, largest)
        assert len(table) >= len(Share(items, process, count))
        assert len(table) <= largest
