"""Versions of what a run depends on beside models and data: its prompts and its index."""

from __future__ import annotations

import hashlib
import json

from videoseal.graph.planner_messages import plan_version, planner_text
from videoseal.indexing.pipeline import INDEX_VERSION
from videoseal.models.prompts import role_texts, version

__all__ = ["prompt_text_hash", "versions"]


def versions() -> dict[str, str]:
    """Version of each role's prompt, and of the index; another whenever their results may be."""
    return {
        "planner": plan_version(),
        "inspector": version("inspect"),
        "answerer": version("answer"),
        "index": INDEX_VERSION,
    }


def prompt_text_hash() -> str:
    """SHA-256 over all that any role is told, descriptions of tools included, hexadecimal."""
    texts = json.dumps({**role_texts(), "plan": planner_text()}, sort_keys=True)
    return hashlib.sha256(texts.encode("ascii")).hexdigest()
