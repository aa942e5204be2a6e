"""Offline stand-ins for the model roles: baselines that need no key and no network."""
