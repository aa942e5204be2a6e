"""Families of facts, and the words that they are made of."""
