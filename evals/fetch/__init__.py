"""Getting the benchmarks: annotations from the hub, videos from the hub or from YouTube."""
