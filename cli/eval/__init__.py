"""`videoseal eval`: one file a command."""
