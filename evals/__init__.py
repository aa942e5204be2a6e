"""Benchmarks, scorers and generated videos with known truth."""
