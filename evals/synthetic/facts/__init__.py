"""Facts, puzzles and words that a generated video is made of."""
