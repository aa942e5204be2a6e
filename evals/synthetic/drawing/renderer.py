"""Drawing a story frame by frame: boards and words over what moves behind them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from videoseal.evals.synthetic.drawing.backdrops import backdrop
from videoseal.evals.synthetic.drawing.lettering import (
    board_picture,
    digits_picture,
    words_picture,
)
from videoseal.evals.synthetic.drawing.overlay import Overlay
from videoseal.evals.synthetic.script import Story
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.evals.synthetic.truth import Event

__all__ = ["draw_frames"]

_TITLE_FOOT: Final = 0.36
"""Where titles end; signs that are shown with one stand below."""


def draw_frames(spec: VideoSpec, story: Story) -> Iterator[NDArray[np.uint8]]:
    """Every frame as yuv420p rows (h * 3 / 2, w); fills in the events' boxes and lines."""
    waiting = [event for event in reversed(story.events) if event.kind != "beep"]
    scenes = list(reversed(story.scenes))
    shown: list[tuple[Event, Overlay | None]] = []
    for number in range(len(story.times)):
        time = story.times.seconds(number)
        while scenes and scenes[-1].start <= time:
            scene = scenes.pop()
            behind = backdrop(scene.backdrop, scene.index, spec)
        rows = next(behind)
        while waiting and waiting[-1].start <= time:
            event = waiting.pop()
            shown.append((event, _lettered(event, spec, story)))
        shown = [(event, words) for event, words in shown if time < event.end]
        for event, words in shown:
            drawn = words or _clock(event, time, spec)
            assert event.box is not None
            drawn.draw(rows, *event.box[:2])
        yield rows


def _lettered(event: Event, spec: VideoSpec, story: Story) -> Overlay | None:
    """Letter a board or words, and give them their place; None for a clock, which changes."""
    width, height, rng = spec.width, spec.height, Random(f"place {spec.seed} {event.id}")
    if event.kind == "clock":
        return None
    if event.kind in ("sign", "table"):
        words, event.lines = board_picture(event, width, height, rng)
        titled = any(e.span.overlap(event.span) > 0 for e in story.events if e.kind == "title")
        low, high = (_TITLE_FOOT if titled else 0.05) * height, 0.8 * height - words.height
        x, y = rng.uniform(0.02, 0.98) * (width - words.width), rng.uniform(low, max(low, high))
    else:
        words, event.lines = words_picture(event, width, height, spec.seed)
        x = (width - words.width) / 2
        y = 0.06 * height if event.kind == "title" else 0.965 * height - words.height
    _place(event, words, x, y)
    return words


def _clock(event: Event, time: float, spec: VideoSpec) -> Overlay:
    """Digits that count the seconds of a scene in the upper right corner."""
    hours, minutes, seconds = (int(part) for part in event.text.split(":"))
    now = (hours * 3600 + minutes * 60 + seconds + int(time - event.start)) % 86_400
    text = f"{now // 3600:02d}:{now // 60 % 60:02d}:{now % 60:02d}"
    words = _digits(text, max(14, spec.height // 24))
    _place(event, words, spec.width - words.width - 12, 10)
    return words


@lru_cache(maxsize=4)
def _digits(text: str, size: int) -> Overlay:
    return digits_picture(text, size)


def _place(event: Event, words: Overlay, x: float, y: float) -> None:
    """Note where it is drawn: at even pixels, where chroma lies."""
    left, top = max(0, round(x)) & ~1, max(0, round(y)) & ~1
    event.box = (left, top, left + words.width, top + words.height)
