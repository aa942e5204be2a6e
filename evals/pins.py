"""Versions of what a run depends on beside models and data: its prompts and its index."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import core.models.fence
import core.models.prompts
import core.models.tool_text
import graph.padding
import graph.prompts
import tools.schemas
from core.models.prompts import ANSWER_VERSION, INSPECT_VERSION
from graph.prompts import PLAN_VERSION
from indexing.pipeline import INDEX_VERSION

__all__ = ["prompt_text_hash", "versions"]

_WRITTEN_IN: Final = (
    core.models.fence,
    core.models.prompts,
    core.models.tool_text,
    graph.padding,
    graph.prompts,
    tools.schemas,
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
