"""Training episodes on the graph that is served, token by token."""
