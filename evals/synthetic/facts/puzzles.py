"""A puzzle: things shown once in the video, and a question that only one of them settles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Language", "Look", "Period", "Puzzle", "Registry", "Show", "ShowKind"]

Language = Literal["en", "zh"]
ShowKind = Literal["sign", "subtitle", "title", "shape"]


@dataclass(frozen=True, slots=True)
class Look:
    """What is drawn beside the words, or instead of them."""

    shape: str = ""
    """`star`, `circle` ...; empty for none."""
    colour: str = ""
    count: int = 1
    heading: str = ""
    """Direction of travel, such as `left to right`; empty for shapes that stand."""
    board: str = ""
    """Colour of the board; free when empty."""
    emblem: bool = False
    """Whether the shape is painted on the board rather than floating in the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Show:
    """One thing to be shown once; compared by identity, since texts may look alike."""

    kind: ShowKind
    text: str
    """`|` marks where a sign may break its line."""
    language: Language = "en"
    speaker: str = ""
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """An option that is filled with the time range of a show once that is placed."""

    show: Show


@dataclass(frozen=True, slots=True)
class Puzzle:
    """A question with what must be shown for it; options in any order."""

    family: str
    question: str
    options: tuple[str | Period, ...]
    answer: int | None
    """Index of the right option; None when the video has no answer."""
    shows: tuple[Show, ...]
    proof: tuple[Show, ...]
    """The shows that carry the answer, one or two hops; empty when there is none."""
    types: tuple[str, ...]
    evidence: Literal["text", "visual"] = "text"


@dataclass(slots=True)
class Registry:
    """Which keys are spoken for, so that every fact of a video is told once and never denied."""

    used: set[tuple[str, str]] = field(default_factory=set)

    def free(self, family: str, keys: list[str]) -> bool:
        """Whether none of `keys` was taken by `family`."""
        return not any((family, key) in self.used for key in keys)

    def take(self, family: str, keys: list[str]) -> None:
        """Reserve `keys` for `family`."""
        self.used.update((family, key) for key in keys)
