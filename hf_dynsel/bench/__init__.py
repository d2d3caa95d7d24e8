"""Benchmarks of the library's own parts, on real data and beside the training they serve."""

from hf_dynsel.bench.neighbors import bench_neighbors as bench_neighbors
from hf_dynsel.bench.selectors import bench_selectors as bench_selectors

__all__ = ["bench_neighbors", "bench_selectors"]
