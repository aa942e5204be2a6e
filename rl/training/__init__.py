"""A training run: its config, its trainer, its folder, its export."""
