"""Benchmarks of the library's own parts, on real data and beside the training they serve."""

from hf_dynsel.bench.neighbors import bench_neighbors as bench_neighbors
from hf_dynsel.bench.selectors import bench_selectors as bench_selectors
from hf_dynsel.bench.speed import bench_speed as bench_speed
from hf_dynsel.bench.speed import speed_rows as speed_rows

__all__ = ["bench_neighbors", "bench_selectors", "bench_speed", "speed_rows"]
