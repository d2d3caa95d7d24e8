"""Benchmarks of the library's own parts, on real data and beside the training they serve."""

from hf_dynsel.bench.neighbors import bench_neighbors as bench_neighbors

__all__ = ["bench_neighbors"]
