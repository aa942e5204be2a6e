"""`videoseal train`: one file a command."""
