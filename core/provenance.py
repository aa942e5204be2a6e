"""Where this program is, and what it was made from."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["import_root", "python_path"]


def import_root() -> Path:
    """The folder on `sys.path` that holds the package `videoseal`, for processes started anew."""
    return Path(__file__).parents[2]


def python_path() -> str:
    """PYTHONPATH under which other processes find this program too."""
    return os.pathsep.join(filter(None, [str(import_root()), os.environ.get("PYTHONPATH", "")]))
