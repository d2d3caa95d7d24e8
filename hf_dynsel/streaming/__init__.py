"""Data larger than a disk: a stream is scored in bounded memory, then filtered as it is read."""

from hf_dynsel.streaming.keep import keep_stream as keep_stream
from hf_dynsel.streaming.score import score_stream as score_stream
from hf_dynsel.streaming.threshold import Threshold as Threshold
from hf_dynsel.streaming.threshold import threshold as threshold

__all__ = ["Threshold", "keep_stream", "score_stream", "threshold"]
