"""Loaders of the benchmarks: one small file each, from official annotations to `Item`."""
