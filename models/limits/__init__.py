"""What servers and models can take, and what they say where they cannot."""
