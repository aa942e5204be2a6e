"""Where this program is, what it was made from, and a short name for what made a result."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

__all__ = ["fingerprint", "import_root", "python_path"]


def import_root() -> Path:
    """The folder on `sys.path` that holds the package `videoseal`, for processes started anew."""
    return Path(__file__).parents[2]


def python_path() -> str:
    """PYTHONPATH under which other processes find this program too."""
    return os.pathsep.join(filter(None, [str(import_root()), os.environ.get("PYTHONPATH", "")]))


def fingerprint(*parts: Any) -> str:
    """16 hex digits that stand for some JSON values, so that results of others are never mixed."""
    written = json.dumps(parts, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return hashlib.blake2b(written.encode(), digest_size=8).hexdigest()
