"""Benchmarks: throughput, latency, memory, and the quality of predictions."""
