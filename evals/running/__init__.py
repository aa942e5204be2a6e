"""Asking the questions of a benchmark, here or on Ray."""
