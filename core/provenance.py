"""Where this program is, and what it was made from."""

from __future__ import annotations

from pathlib import Path

__all__ = ["import_root"]


def import_root() -> Path:
    """The folder on `sys.path` that holds the package `videoseal`, for processes started anew."""
    return Path(__file__).parents[2]
