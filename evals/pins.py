"""Versions of what a run depends on beside models and data: its prompts and its index."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import videoseal.graph.padding
import videoseal.graph.planner_messages
import videoseal.models.fence
import videoseal.models.prompts
import videoseal.models.tool_text
import videoseal.tools.schemas
from videoseal.graph.planner_messages import PLAN_VERSION
from videoseal.indexing.pipeline import INDEX_VERSION
from videoseal.models.prompts import ANSWER_VERSION, INSPECT_VERSION

__all__ = ["prompt_text_hash", "versions"]

_WRITTEN_IN: Final = (
    videoseal.models.fence,
    videoseal.models.prompts,
    videoseal.models.tool_text,
    videoseal.graph.padding,
    videoseal.graph.planner_messages,
    videoseal.tools.schemas,
)
"""Modules that hold every word a model is told."""


def versions() -> dict[str, str]:
    """Version of each role's prompt, and of the index; raised whenever their results may change."""
    return {
        "planner": PLAN_VERSION,
        "inspector": INSPECT_VERSION,
        "answerer": ANSWER_VERSION,
        "index": INDEX_VERSION,
    }


def prompt_text_hash() -> str:
    """SHA-256 over the modules that hold the prompts, hexadecimal."""
    total = hashlib.sha256()
    for module in _WRITTEN_IN:
        total.update(Path(str(module.__file__)).read_bytes())
    return total.hexdigest()
