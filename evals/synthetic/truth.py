"""What is really in a generated video: every event with its exact time."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from videoseal.core.span import Span

__all__ = ["EDITION", "Box", "Event", "EventKind", "Scene", "Talk", "Truth", "read_truth"]

EDITION = 5
"""Raised whenever the same spec begins to give other pictures, events or questions."""

Talk = Literal["en", "zh", "both", "none"]
EventKind = Literal["sign", "table", "subtitle", "clock"]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, half-open."""


class Event(BaseModel):
    """Something shown from `start` until `end`, and at no other time."""

    model_config = ConfigDict(extra="forbid")

    id: int
    kind: EventKind
    start: float
    """Seconds on the presentation timeline: the first frame that shows it."""
    end: float
    """The first frame that no longer shows it, or the end of the video."""
    text: str = ""
    """The words; lines joined by a space. A clock has its first reading."""
    lines: list[str] = Field(default_factory=list)
    """The words as they are broken on screen; columns of a table are parted by tabs."""
    language: Literal["en", "zh", "both", ""] = ""
    scene: int = -1
    """Index of the scene that it starts in."""
    box: Box | None = None
    """Where its ink or board is."""
    board: str = ""
    """Colour of the board where that is asked for."""

    @property
    def span(self) -> Span:
        """From `start` to `end`."""
        return Span(self.start, self.end)


class Scene(BaseModel):
    """A shot: one backdrop between two cuts."""

    model_config = ConfigDict(extra="forbid")

    index: int
    start: float
    end: float
    backdrop: str
    talk: Talk
    """Language of the subtitles."""


class Truth(BaseModel):
    """All that is known of one generated video."""

    model_config = ConfigDict(extra="forbid")

    edition: int = 1
    """`EDITION` of the generator that made it."""
    key: str
    seed: int
    duration: float
    """Seconds on the presentation timeline, first frame at 0."""
    frames: int
    width: int
    height: int
    fps: float
    """Nominal rate; the highest sustained one with `vfr`."""
    vfr: bool
    start_offset: float
    footage: list[str] = Field(default_factory=list)
    """Names of the videos that may be behind the words; empty where the generator drew."""
    scenes: list[Scene]
    events: list[Event]
    """In order of start."""


def read_truth(path: Path) -> Truth:
    """Load what `generate` wrote; pydantic's ValidationError when it is something else."""
    return Truth.model_validate_json(path.read_text(encoding="utf-8"))
