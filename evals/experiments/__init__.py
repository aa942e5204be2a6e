"""Experiments as files: which systems to ask the same questions, and the one figure of each."""
