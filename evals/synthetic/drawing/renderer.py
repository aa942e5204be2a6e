"""Drawing a story frame by frame: a camera over backdrops, with boards and words on top."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from random import Random

import numpy as np
from numpy.typing import NDArray

from videoseal.evals.synthetic.drawing.backdrops import paint
from videoseal.evals.synthetic.drawing.lettering import (
    board_picture,
    digits_picture,
    words_picture,
)
from videoseal.evals.synthetic.drawing.sprite import Planes, Sprite, to_planes
from videoseal.evals.synthetic.script import Story
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.evals.synthetic.truth import Event, Scene

__all__ = ["draw_frames"]

Bytes = NDArray[np.uint8]
_TITLE_FOOT = 0.36
"""Where titles end; signs that are shown with one stand below."""
_ROOM = 1.2
"""How much larger than the picture a backdrop is painted; the camera moves in the rest."""


def draw_frames(spec: VideoSpec, story: Story) -> Iterator[Bytes]:
    """Every frame as a flat yuv420p buffer, reused by the next; fills in the events' boxes."""
    stage = _Stage(spec, story)
    times = story.times
    for number in range(len(times)):
        yield stage.draw(times.seconds(number))


class _Stage:
    def __init__(self, spec: VideoSpec, story: Story) -> None:
        self._spec, self._story = spec, story
        width, height = spec.width, spec.height
        self._buffer = np.empty(width * height * 3 // 2, np.uint8)
        y, u, v = np.split(self._buffer, [width * height, width * height * 5 // 4])
        half = (height // 2, width // 2)
        self._planes = Planes(y.reshape(height, width), u.reshape(half), v.reshape(half))
        self._waiting = [event for event in reversed(story.events) if event.kind != "beep"]
        self._titles = [event for event in story.events if event.kind == "title"]
        self._shown: list[tuple[Event, Sprite | None]] = []
        self._scene = -1
        self._backdrop = self._planes

    def draw(self, time: float) -> Bytes:
        self._pan(self._scene_at(time), time)
        while self._waiting and self._waiting[-1].start <= time:
            event = self._waiting.pop()
            self._shown.append((event, None if event.kind == "clock" else self._enter(event)))
        self._shown = [(event, sprite) for event, sprite in self._shown if time < event.end]
        for event, sprite in self._shown:
            moving = sprite or self._clock(event, time)
            assert event.box is not None
            moving.draw(self._planes, *event.box[:2])
        return self._buffer

    def _scene_at(self, time: float) -> Scene:
        scenes = self._story.scenes
        while self._scene < 0 or (
            self._scene + 1 < len(scenes) and scenes[self._scene].end <= time
        ):
            self._scene += 1
            scene = scenes[self._scene]
            width, height = _even(self._spec.width * _ROOM), _even(self._spec.height * _ROOM)
            picture = paint(scene.backdrop, self._spec.seed, scene.index, width, height)
            self._backdrop = to_planes(picture)
        return scenes[self._scene]

    def _pan(self, scene: Scene, time: float) -> None:
        """Copy the camera's view: there and back along a diagonal of the backdrop."""
        rng = Random(f"camera {self._spec.seed} {scene.index}")
        turn = (time - scene.start) / (scene.end - scene.start)
        dx, dy = (rng.choice((turn, 1 - turn)), rng.choice((turn, 1 - turn)))
        room_x = self._backdrop.y.shape[1] - self._spec.width
        room_y = self._backdrop.y.shape[0] - self._spec.height
        x, y = int(dx * room_x) & ~1, int(dy * room_y) & ~1
        for plane, source, part in zip(self._planes, self._backdrop, (1, 2, 2), strict=True):
            height, width = plane.shape
            plane[...] = source[y // part : y // part + height, x // part : x // part + width]

    def _enter(self, event: Event) -> Sprite:
        """Letter a board or words, and give them their place."""
        spec, rng = self._spec, Random(f"place {self._spec.seed} {event.id}")
        if event.kind in ("sign", "table"):
            sprite, event.lines = board_picture(event, spec.width, spec.height, rng)
            low, high = 0.05 * spec.height, 0.8 * spec.height - sprite.height
            if any(title.start < event.end and event.start < title.end for title in self._titles):
                low = _TITLE_FOOT * spec.height
            x = 4 + rng.uniform(0.04, 0.96) * max(4, spec.width - sprite.width - 8)
            y = rng.uniform(low, max(low + 1, high))
        else:
            sprite, event.lines = words_picture(event, spec.width, spec.height)
            x = (spec.width - sprite.width) / 2
            y = 0.06 * spec.height if event.kind == "title" else 0.965 * spec.height - sprite.height
        _place(event, sprite, x, y)
        return sprite

    def _clock(self, event: Event, time: float) -> Sprite:
        """Digits that count the seconds of a scene in the upper right corner."""
        hours, minutes, seconds = (int(part) for part in event.text.split(":"))
        now = (hours * 3600 + minutes * 60 + seconds + int(time - event.start)) % 86_400
        text = f"{now // 3600:02d}:{now // 60 % 60:02d}:{now % 60:02d}"
        sprite = _digits(text, max(14, self._spec.height // 24))
        _place(event, sprite, self._spec.width - sprite.width - 12, 10)
        return sprite


@lru_cache(maxsize=4)
def _digits(text: str, size: int) -> Sprite:
    return digits_picture(text, size)


def _place(event: Event, sprite: Sprite, x: float, y: float) -> None:
    """Note where it is drawn: at even pixels, where chroma lies."""
    left, top = round(x) & ~1, round(y) & ~1
    event.box = (left, top, left + sprite.width, top + sprite.height)


def _even(value: float) -> int:
    return 2 * max(1, round(value / 2))
