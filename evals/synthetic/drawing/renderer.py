"""Drawing a story frame by frame: a camera over backdrops, with signs, shapes and words on top."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from random import Random

import numpy as np
from numpy.typing import NDArray

from videoseal.evals.synthetic.drawing.backdrops import paint
from videoseal.evals.synthetic.drawing.drawn_shapes import COLOURS, SHAPES, shape_picture
from videoseal.evals.synthetic.drawing.lettering import (
    board_picture,
    font_for,
    line_picture,
    words_picture,
)
from videoseal.evals.synthetic.drawing.sprite import Planes, Sprite, to_planes
from videoseal.evals.synthetic.script import Story
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.evals.synthetic.truth import Box, Event, Scene

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


class _Actor:
    """One event on the stage: pictures and where each is at a time."""

    def __init__(self, event: Event, parts: list[tuple[Sprite, _Path]]) -> None:
        self.event = event
        self._parts = parts

    def draw(self, planes: Planes, time: float) -> None:
        boxes = []
        for sprite, path in self._parts:
            x, y = path.at(time)
            sprite.draw(planes, x, y)
            boxes.append((x & ~1, y & ~1, (x & ~1) + sprite.width, (y & ~1) + sprite.height))
        box = _around(boxes)
        if self.event.box is None:
            self.event.box = box
        self.event.box_end = box if box != self.event.box else None


class _Path:
    """A straight way from one corner to another, in pixels, during an event."""

    def __init__(
        self, event: Event, start: tuple[float, float], end: tuple[float, float] | None = None
    ) -> None:
        self._from, self._to = start, end or start
        self._event = event

    def at(self, time: float) -> tuple[int, int]:
        """The left top corner at `time`."""
        event = self._event
        part = (time - event.start) / (event.end - event.start)
        x, y = (a + (b - a) * part for a, b in zip(self._from, self._to, strict=True))
        return round(x), round(y)


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
        self._looks = [event for event in story.events if event.look.get("shape")]
        self._actors: list[_Actor] = []
        self._scene = -1
        self._backdrop = self._planes
        self._extras: list[_Actor] = []

    def draw(self, time: float) -> Bytes:
        scene = self._scene_at(time)
        self._pan(scene, time)
        while self._waiting and self._waiting[-1].start <= time:
            self._actors.append(self._enter(self._waiting.pop()))
        self._actors = [actor for actor in self._actors if time < actor.event.end]
        for actor in (*self._extras, *self._actors):
            actor.draw(self._planes, time)
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
            self._extras = self._decorations(scene)
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

    def _decorations(self, scene: Scene) -> list[_Actor]:
        """A few small shapes that drift through the scene and mean nothing."""
        rng = Random(f"drift {self._spec.seed} {scene.index}")
        # A star that drifts past a board with a star would make two of what is asked about.
        asked = {event.look.get("shape") for event in self._looks if event.scene == scene.index}
        pairs = [
            (colour, shape)
            for colour in COLOURS
            for shape in SHAPES
            if shape not in asked and f"{colour} {shape}" not in self._story.secret_shapes
        ]
        made = []
        for colour, shape in rng.sample(pairs, rng.randrange(3)):
            side = _even(self._spec.height * rng.uniform(0.05, 0.08))
            event = Event(id=-1, kind="shape", start=scene.start, end=scene.end)
            ways = [
                (rng.uniform(0, self._spec.width - side), rng.uniform(0, 0.6 * self._spec.height))
                for _ in range(2)
            ]
            made.append(_Actor(event, [(_shape(shape, colour, side), _Path(event, *ways))]))
        return made

    def _enter(self, event: Event) -> _Actor:
        if event.kind == "clock":
            return _Clock(event, self._spec)
        rng = Random(f"place {self._spec.seed} {event.id}")
        if event.kind == "shape":
            return _Actor(event, [self._racer(event, rng)])
        if event.kind == "sign":
            return _Actor(event, self._sign(event, rng))
        return _Actor(event, [self._words(event)])

    def _racer(self, event: Event, rng: Random) -> tuple[Sprite, _Path]:
        side = _even(self._spec.height * 0.3)
        sprite = _shape(str(event.look["shape"]), str(event.look["colour"]), side)
        y = rng.uniform(0.1, 0.4) * self._spec.height
        ends = [(-0.8 * side, y), (self._spec.width - 0.2 * side, y)]
        if event.look["heading"] == "right to left":
            ends.reverse()
        return sprite, _Path(event, *ends)

    def _sign(self, event: Event, rng: Random) -> list[tuple[Sprite, _Path]]:
        """The board, and the shapes that float beside it."""
        spec = self._spec
        sprite, event.lines = board_picture(event, spec.width, spec.height, rng)
        low, high = 0.12 * spec.height, 0.74 * spec.height - sprite.height
        if any(title.start < event.end and event.start < title.end for title in self._titles):
            low = _TITLE_FOOT * spec.height
        room = max(4, spec.width - sprite.width - 8)
        floating = event.look.get("shape") and not event.look.get("emblem")
        # What floats needs one side of the picture for itself.
        share = (0.0, 0.02) if floating else (0.04, 0.96)
        corner = (4 + rng.uniform(*share) * room, rng.uniform(low, max(low + 1, high)))
        parts = [(sprite, _Path(event, corner))]
        return parts + (self._floating(event, rng, corner[0] + sprite.width) if floating else [])

    def _floating(self, event: Event, rng: Random, left: float) -> list[tuple[Sprite, _Path]]:
        spec, look = self._spec, event.look
        count, heading = int(look.get("count", 1)), str(look.get("heading", ""))
        side = _even(spec.height * (0.13 if count > 1 else 0.2))
        sprite = _shape(str(look["shape"]), str(look["colour"]), side)
        left = min(left + 0.02 * spec.width, spec.width - 1.3 * side)
        columns = max(1, min(count, 2 if count <= 4 else 3))
        width = min((spec.width - left - 4) / columns, 1.6 * side)
        parts = []
        for number in range(count):
            x = left + number % columns * width
            y = 0.13 * spec.height + number // columns * 1.15 * side
            start, end = (x, y), (x, y)
            far_x, far_y = spec.width - side - 4, 0.62 * spec.height
            if heading in ("left to right", "right to left"):
                start, end = (left, y + 0.2 * side), (far_x, y + 0.2 * side)
            elif heading:
                start, end = (x, 0.12 * spec.height), (x, far_y)
            if heading in ("right to left", "bottom to top"):
                start, end = end, start
            parts.append((sprite, _Path(event, start, end)))
        return parts

    def _words(self, event: Event) -> tuple[Sprite, _Path]:
        """A title in the upper third, or a subtitle at the foot."""
        spec = self._spec
        sprite, event.lines = words_picture(event, spec.width, spec.height)
        x = (spec.width - sprite.width) / 2
        y = 0.06 * spec.height if event.kind == "title" else 0.965 * spec.height - sprite.height
        return sprite, _Path(event, (x, y))


class _Clock(_Actor):
    """Digits that count the seconds of a scene in the upper right corner."""

    def __init__(self, event: Event, spec: VideoSpec) -> None:
        super().__init__(event, [])
        hours, minutes, seconds = (int(part) for part in event.text.split(":"))
        self._first = hours * 3600 + minutes * 60 + seconds
        self._spec = spec

    def draw(self, planes: Planes, time: float) -> None:
        now = (self._first + int(time - self.event.start)) % 86_400
        text = f"{now // 3600:02d}:{now // 60 % 60:02d}:{now % 60:02d}"
        sprite = _digits(text, max(14, self._spec.height // 24))
        x, y = self._spec.width - sprite.width - 12 & ~1, 10
        sprite.draw(planes, x, y)
        self.event.box = self.event.box or (x, y, x + sprite.width, y + sprite.height)


@lru_cache(maxsize=4)
def _digits(text: str, size: int) -> Sprite:
    picture = line_picture(
        text, font_for("en", size), (235, 235, 225), outline=(20, 20, 20), stroke=2
    )
    return Sprite(picture)


@lru_cache(maxsize=64)
def _shape(shape: str, colour: str, side: int) -> Sprite:
    return Sprite(shape_picture(shape, colour, side))


def _even(value: float) -> int:
    return 2 * max(1, round(value / 2))


def _around(boxes: list[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
