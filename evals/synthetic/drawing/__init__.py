"""Drawing a generated video: what moves behind, boards and words."""
