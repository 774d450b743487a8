"""Measures the stream worker against the bare client and other stream engines on real servers, and writes docs/benchmarks.md."""
