"""Drawing a story frame by frame: boards and words over what moves behind them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videoseal.core.span import format_time, parse_time
from videoseal.evals.synthetic.drawing.backdrops import backdrop
from videoseal.evals.synthetic.drawing.lettering import (
    board_picture,
    digits_picture,
    words_picture,
)
from videoseal.evals.synthetic.script import Story
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.evals.synthetic.truth import Event

__all__ = ["Overlay", "draw_frames", "planes_of"]

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint16]


def draw_frames(spec: VideoSpec, story: Story) -> Iterator[Bytes]:
    """Every frame as yuv420p rows (h * 3 / 2, w); fills in the events' boxes and lines."""
    waiting = list(reversed(story.events))
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
            shown.append((event, _lettered(event, spec)))
        shown = [(event, words) for event, words in shown if time < event.end]
        for event, words in shown:
            drawn = words or _clock(event, time, spec)
            assert event.box is not None
            drawn.draw(rows, *event.box[:2])
        yield rows


def _lettered(event: Event, spec: VideoSpec) -> Overlay | None:
    """Letter a board or words, and give them their place; None for a clock, which changes."""
    width, height, rng = spec.width, spec.height, Random(f"place {spec.seed} {event.id}")
    if event.kind == "clock":
        return None
    if event.kind in ("sign", "table"):
        words = Overlay(board_picture(event, width, height, rng))
        x = rng.uniform(0.02, 0.98) * (width - words.width)
        y = rng.uniform(0.05 * height, max(0.05, 0.8 - words.height / height) * height)
    else:
        words = Overlay(words_picture(event, width, height, spec.seed))
        x, y = (width - words.width) / 2, 0.965 * height - words.height
    _place(event, words, x, y)
    return words


def _clock(event: Event, time: float, spec: VideoSpec) -> Overlay:
    """Digits that count the seconds of a scene in the upper right corner."""
    now = (parse_time(event.text) + int(time - event.start)) % 86_400
    words = _digits(format_time(now), max(14, spec.height // 24))
    _place(event, words, spec.width - words.width - 12, 10)
    return words


@lru_cache(maxsize=4)
def _digits(text: str, size: int) -> Overlay:
    return Overlay(digits_picture(text, size))


def _place(event: Event, words: Overlay, x: float, y: float) -> None:
    """Note where it is drawn: at even pixels, where chroma lies."""
    left, top = max(0, round(x)) & ~1, max(0, round(y)) & ~1
    event.box = (left, top, left + words.width, top + words.height)


def planes_of(rows: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """The planes of a yuv420p picture, views of its rows of shape (h * 3 / 2, w)."""
    height, width = rows.shape[0] * 2 // 3, rows.shape[1]
    u, v = rows[height:].reshape(2, height // 2, width // 2)
    return rows[:height], u, v


class _Layer(NamedTuple):
    """One plane, already multiplied with its opacity, and what it leaves of what is below."""

    colour: Words
    """Value times opacity, opacity in 0..256."""
    keep: Words
    """256 minus opacity."""

    def over(self, plane: Bytes, x: int, y: int) -> None:
        below = plane[y : y + self.keep.shape[0], x : x + self.keep.shape[1]]
        height, width = below.shape
        mixed = below * self.keep[:height, :width]
        mixed += self.colour[:height, :width]
        mixed >>= 8
        below[...] = mixed


class Overlay:
    """A picture with transparency, ready to be laid over frames."""

    def __init__(self, image: Image.Image) -> None:
        rgba = np.asarray(image.convert("RGBA"))
        rgba = np.pad(rgba, [(0, rgba.shape[0] % 2), (0, rgba.shape[1] % 2), (0, 0)])
        self.height, self.width = rgba.shape[:2]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgba[..., :3]), format="rgb24")
        planes = planes_of(frame.reformat(format="yuv420p").to_ndarray().astype(np.uint8))
        alpha = (rgba[..., 3].astype(np.uint32) * 256 + 127) // 255
        half = alpha.reshape(self.height // 2, 2, self.width // 2, 2).mean((1, 3)).astype(np.uint32)
        self._layers = [
            _Layer((plane * share).astype(np.uint16), (256 - share).astype(np.uint16))
            for plane, share in zip(planes, (alpha, half, half), strict=True)
        ]

    def draw(self, rows: Bytes, x: int, y: int) -> None:
        """Lay over a yuv420p picture at an even place inside it; what sticks out is cut off."""
        for plane, layer, part in zip(planes_of(rows), self._layers, (1, 2, 2), strict=True):
            layer.over(plane, x // part, y // part)
