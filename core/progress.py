"""How a long job tells its caller where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Progress", "ProgressFn", "silent"]


class Progress(NamedTuple):
    """One step of one stage; rate and time left are the caller's to work out."""

    stage: str
    """`scan`, `speech`, `captions`, `story` or `embed`."""
    done: float
    total: float
    unit: str
    """What is counted: `s` of video, `clips`, `texts`."""
    note: str = ""
    """A warning to show once; such a step changes neither `done` nor `total`."""


ProgressFn = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Tell nobody."""
