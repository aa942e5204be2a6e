"""What is really in a generated video: every event with its exact time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from videoseal.core.span import Span

__all__ = ["EDITION", "Box", "Event", "EventKind", "Scene", "Truth", "read_truth"]

EDITION = 4
"""Raised whenever the same spec begins to give other pictures, events or questions."""

EventKind = Literal["title", "sign", "table", "subtitle", "clock", "beep"]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, half-open."""


class Event(BaseModel):
    """Something shown or heard from `start` until `end`, and at no other time."""

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
    speaker: str = ""
    scene: int = -1
    """Index of the scene that it starts in."""
    box: Box | None = None
    """Where its ink or board is."""
    look: dict[str, str | int] = Field(default_factory=dict)
    """Colour of the board where that is asked for, and the pitch of a beep."""

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
    talk: Literal["en", "zh", "both", "none"]
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

    def save(self, path: Path) -> None:
        """Write as JSON, one event a line."""
        head = self.model_dump(mode="json", exclude={"scenes", "events"})
        parts = [json.dumps(head, ensure_ascii=False)[1:-1]]
        for name, rows in (("scenes", self.scenes), ("events", self.events)):
            lines = ",\n".join(
                json.dumps(row.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)
                for row in rows
            )
            parts.append(f'"{name}": [\n{lines}\n]')
        path.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")


def read_truth(path: Path) -> Truth:
    """Load what `Truth.save` wrote; pydantic's ValidationError when it is something else."""
    return Truth.model_validate_json(path.read_text(encoding="utf-8"))
