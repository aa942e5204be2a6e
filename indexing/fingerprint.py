"""Names for settings and models, so that results of different ones are never mixed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

__all__ = ["fingerprint"]


def fingerprint(*parts: Any) -> str:
    """16 hex digits that stand for some JSON values; other values give other digits."""
    written = json.dumps(parts, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return hashlib.blake2b(written.encode(), digest_size=8).hexdigest()
