"""Measures the stream worker against the bare client and other engines on real servers; writes docs/benchmarks.md."""
