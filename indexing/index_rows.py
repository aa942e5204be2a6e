"""What the index gives back: plain values without a connection behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from videoseal.core.span import Span

__all__ = ["TEXT_KINDS", "Data", "Hit", "Status", "TextKind", "TextRow", "VideoRow"]

TextKind = Literal["clip", "ocr", "speech", "scene", "story"]
"""What a text is: a clip's description, on-screen text, spoken words or subtitles, a scene's title,
or the story of the whole video."""
TEXT_KINDS: Final[tuple[TextKind, ...]] = ("clip", "ocr", "speech", "scene", "story")

Status = Literal["indexing", "ready"]
"""A video is `ready` once every stage of its index is complete."""

Data: TypeAlias = dict[str, Any]
"""A JSON object; NUL characters and lone surrogates in it do not survive the database."""


@dataclass(frozen=True, slots=True)
class VideoRow:
    """One video that the index knows."""

    id: str
    """Content id, `v` and 16 hexadecimal digits."""
    path: Path
    """Where the file was when it was last indexed."""
    title: str
    duration: float
    """Length in seconds."""
    width: int
    """Pixels as displayed."""
    height: int
    """Pixels as displayed."""
    fps: float
    """Average frames a second."""
    has_audio: bool
    size_bytes: int
    status: Status
    fingerprint: str
    """Names the settings and models that made the index; another fingerprint is another index."""
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class TextRow:
    """One text of a video: what is written, said or seen in a span."""

    kind: TextKind
    ordinal: int
    """Unique among the video's texts of this kind."""
    span: Span
    text: str
    model: str
    """Model and prompt version that wrote the text."""
    data: Data = field(default_factory=dict)
    id: int = 0
    """Given by the database; 0 before that."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that a search found."""

    text_id: int
    kind: TextKind
    span: Span
    text: str
    score: float
    """Fused score; comparable only within one search."""
    data: Data = field(default_factory=dict)
