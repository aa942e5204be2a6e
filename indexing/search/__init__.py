"""Search inside one video, by words and by meaning."""
