"""Generated long videos whose truth is known."""
