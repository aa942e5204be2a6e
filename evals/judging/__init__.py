"""Judges, blind to the system, and how far they and people agree."""
