"""Drawing a generated video: backdrops, signs, shapes, words and sound."""
