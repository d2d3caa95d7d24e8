"""Scores a stream in bounded memory: once through its rows, then through what was kept of them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from accelerate import Accelerator
from datasets import Dataset, IterableDataset

from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.frozen import frozen
from hf_dynsel.sae import SparseAutoencoder
from hf_dynsel.scores import Diversity, Representativeness
from hf_dynsel.scores.code_score import CodeScore
from hf_dynsel.scores.columns import find_label
from hf_dynsel.streaming.checks import require_parts, require_scores, require_sizes
from hf_dynsel.streaming.encode import Encoder, encode_part
from hf_dynsel.streaming.layout import FINISHED, Finished, begin, shards_in
from hf_dynsel.streaming.marks import marked_columns, marks_of
from hf_dynsel.streaming.shards import UnitShards
from hf_dynsel.streaming.source import chunks, parts_of
from hf_dynsel.streaming.write import write_scores

SCORES = (Representativeness(), Diversity())


def score_stream(
    stream: IterableDataset,
    folder: str | Path,
    backbone: Backbone,
    sae: SparseAutoencoder,
    scores: Sequence[CodeScore] = SCORES,
    *,
    label: str | None = "label",
    batch_size: int = 256,
    shard_size: int = 4096,
    num_workers: int = 0,
    accelerator: Accelerator | None = None,
) -> Path:
    """Returns the folder with the scores of every row of a stream, which is encoded once.

    The scores are those that `extract`, `add_codes` and `add_scores` give the same rows as a
    map-style dataset, bit for bit where the encoders see the same batches, as they do of a stream
    in one file. In memory are `shard_size` rows with their features and codes, and a byte per unit
    and class. On disk stay a few bytes per row: four for each active unit, each score and the
    label, and twelve more, before compression. An interrupted call goes on after the last
    finished shard: the rows before are read again, and not encoded.

    Several processes share the sources of the stream, such as its files.

    Args:
        stream: whose rows come in the same order in every pass.
        folder: for the scores, shared by all processes. One that is finished is left as it is,
            unless other scores are asked for, which takes no encoding.
        backbone: what it learns of data, such as principal components, it learns of the first
            shard.
        sae: of features of the same backbone, given, pulled, or trained on a part of the stream.
        scores: of the active units of a row.
        label: the class column; None means unlabelled data, as for `add_scores`.
        batch_size: rows per forward pass.
        shard_size: rows per file, a multiple of 256, and the most that an interruption costs.
            Only a multiple of 4,096 and of `batch_size` gives the batches of `add_codes`.
        num_workers: processes that decode rows.
        accelerator: decides the device, and which parts this process encodes.

    Raises:
        TypeError: if it is no stream.
        ValueError: if a column is missing, a score does not fit, the folder was begun with
            something else, or there are more processes than parts.
    """
    require_scores(scores)
    require_sizes(shard_size, batch_size)
    accelerator, place = accelerator or Accelerator(), Path(folder)
    parts = parts_of(stream)
    require_parts(len(parts), accelerator.num_processes)
    head = next((c for part in parts for c in chunks(part, stream.features, shard_size)), None)
    if head is None:
        raise ValueError("the stream has no rows to score")
    columns, label = marked_columns(stream.features), find_label(head, label)
    origin = {"backbone": backbone.identity(), "sae": sae.fingerprint(), "label": label}
    layout = {"parts": len(parts), "shard_size": shard_size, "columns": columns}
    if accelerator.is_main_process:
        begin(place, {**origin, **layout, "first_row": marks_of(head, columns)[0]})
    accelerator.wait_for_everyone()
    encoder = Encoder(backbone, sae, label, columns, accelerator, batch_size, num_workers)
    _encode(parts, head, shards_in(place), encoder, shard_size)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        _finish(place, scores, sae, origin, layout)
    accelerator.wait_for_everyone()
    return place


def _encode(
    parts: Sequence[IterableDataset],
    head: Dataset,
    shards: UnitShards,
    encoder: Encoder,
    shard_size: int,
) -> None:
    """Writes what is missing of the parts of this process."""
    numbers = range(len(parts))[
        encoder.accelerator.process_index :: encoder.accelerator.num_processes
    ]
    own = [number for number in numbers if not shards.finished(number)]
    if not own:
        return
    device = encoder.accelerator.device
    encoder.sae.to(device)
    encoder.backbone.prepare(head)
    with frozen(encoder.backbone.module, device):
        for number in own:
            encode_part(parts[number], number, head.features, shards, encoder, shard_size)


def _finish(
    folder: Path,
    scores: Sequence[CodeScore],
    sae: SparseAutoencoder,
    origin: dict[str, Any],
    layout: dict[str, Any],
) -> None:
    """Writes the scores, unless they are there."""
    shards, config = shards_in(folder), asdict(sae.config)
    rows = [shards.rows(part) for part in range(layout["parts"])]
    notes = {"sae": {"config": config}}
    resolved = [cast(CodeScore, score.resolve(notes)) for score in scores]
    entries = {
        score.name: {"class": type(score).__name__, "config": score.config(), **origin}
        for score in resolved
    }
    found = Finished(folder, rows, layout["shard_size"], layout["columns"], entries)
    if not (folder / FINISHED).is_file() or Finished.read(folder) != found:
        write_scores(found, shards, resolved, sae.config.num_latents)
