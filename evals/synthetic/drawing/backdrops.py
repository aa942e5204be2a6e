"""Backdrops: still pictures that the camera moves over. Each is a recipe of a few paints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from videoseal.evals.synthetic.drawing.landscapes import city, clouds, fields, forest, hills, sea
from videoseal.evals.synthetic.drawing.texture import (
    Paint,
    blend,
    fractal,
    gradient,
    jitter,
    shade,
    to_bytes,
)

__all__ = ["BACKDROPS", "paint"]

_WALLS = ((176, 150, 120), (126, 150, 150), (156, 120, 116), (140, 146, 116), (120, 124, 152))


def _flat(width: int, height: int, colour: list[float]) -> Paint:
    return np.broadcast_to(np.asarray(colour, np.float32), (height, width, 3)).copy()


def _room(rng: np.random.Generator, width: int, height: int) -> Paint:
    """A striped wall with pictures over a floor of boards."""
    wall = jitter(rng, _WALLS[rng.integers(len(_WALLS))], 16)
    stripe = (np.arange(width) // max(8, height // 18) % 2).astype(np.float32)[None, :]
    picture = shade(_flat(width, height, wall), np.repeat(stripe, height, 0), 0.04)
    canvas = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    draw, floor = ImageDraw.Draw(canvas), int(height * 0.74)
    for x in range(int(rng.uniform(0, 90)), width, int(height * 0.62)):
        _frame(rng, draw, x, height)
    wood = jitter(rng, (118, 78, 48), 14)
    board = height // 14
    for row, y in enumerate(range(floor, height, board)):
        tone = tuple(int(c * (0.9 + 0.07 * (row % 3))) for c in wood)
        draw.rectangle((0, y, width, y + board), fill=tone, outline=(60, 40, 26))
    draw.rectangle((0, floor - height // 40, width, floor), fill=(228, 222, 210))
    noise = fractal(rng, width, height, cells=8, octaves=5, stretch=3)
    return shade(np.asarray(canvas, np.float32), noise, 0.16)


def _frame(rng: np.random.Generator, draw: ImageDraw.ImageDraw, x: int, height: int) -> None:
    wide, tall = height * rng.uniform(0.2, 0.36), height * rng.uniform(0.22, 0.34)
    top, rim = height * rng.uniform(0.1, 0.24), height * 0.016
    draw.rectangle((x, top, x + wide, top + tall), fill=(74, 52, 34))
    tone = tuple(int(c) for c in rng.uniform(70, 190, 3))
    inner = (x + rim, top + rim, x + wide - rim, top + tall - rim)
    draw.rectangle(inner, fill=tone)
    middle = top + tall * rng.uniform(0.45, 0.7)
    ground = tuple(int(c * 0.6) for c in tone)
    draw.rectangle((inner[0], middle, inner[2], inner[3]), fill=ground)


def _bricks(rng: np.random.Generator, width: int, height: int) -> Paint:
    """A wall of bricks in a running bond."""
    tone, tall = jitter(rng, (150, 82, 62), 24), max(8, height // 16)
    wide = int(tall * 2.6)
    canvas = Image.new("RGB", (width, height), (168, 158, 146))
    draw = ImageDraw.Draw(canvas)
    for row in range(height // tall + 1):
        for x in range(-wide + (row % 2) * wide // 2, width, wide):
            brick = tuple(int(c) for c in np.asarray(tone) * rng.uniform(0.8, 1.12))
            draw.rectangle((x + 2, row * tall + 2, x + wide - 1, row * tall + tall - 1), fill=brick)
    noise = fractal(rng, width, height, cells=10, octaves=6)
    return shade(np.asarray(canvas, np.float32), noise, 0.3)


def _checkers(rng: np.random.Generator, width: int, height: int) -> Paint:
    """A chequered floor that runs to a wall."""
    horizon = int(height * 0.42)
    light, dark = jitter(rng, (206, 200, 188), 14), jitter(rng, (84, 88, 100), 24)
    picture = gradient(
        width, height, [(0, jitter(rng, (150, 158, 170), 24)), (0.42, (96, 102, 116))]
    )
    rows = np.arange(height - horizon, dtype=np.float32)[:, None] + 6
    depth = height * 1.3 / rows
    across = (np.arange(width, dtype=np.float32)[None, :] - width / 2) * depth / height * 4
    tiles = ((np.floor(across) + np.floor(depth * 5)) % 2).astype(np.float32)
    # Far tiles are smaller than a pixel; fade them out instead of letting them flicker.
    tiles = 0.5 + (tiles - 0.5) * np.clip(rows / (height * 0.12), 0, 1)
    floor = _flat(width, height - horizon, light)
    picture[horizon:] = blend(floor, dark, tiles.astype(np.float32))
    return shade(picture, fractal(rng, width, height, cells=5, octaves=4), 0.14)


def _bokeh(rng: np.random.Generator, width: int, height: int) -> Paint:
    """Lights out of focus in the dark."""
    base = gradient(width, height, [(0, jitter(rng, (26, 24, 44), 14)), (1, (60, 40, 52))])
    canvas = Image.fromarray(np.clip(base, 0, 255).astype(np.uint8))
    lights = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(lights)
    tones = ((240, 170, 90), (220, 110, 90), (120, 150, 210), (230, 210, 150), (120, 190, 160))
    for _ in range(46):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), height * rng.uniform(0.02, 0.07)
        tone = tones[rng.integers(len(tones))]
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(*tone, int(rng.uniform(50, 130))))
    lights = lights.filter(ImageFilter.GaussianBlur(height / 160))
    canvas.paste(lights, (0, 0), lights)
    return np.asarray(canvas, np.float32)


def _marble(rng: np.random.Generator, width: int, height: int) -> Paint:
    """A polished stone wall with veins."""
    warp = fractal(rng, width, height, cells=3, octaves=6)
    rows, columns = np.ogrid[:height, :width]
    phase = (columns + 0.6 * rows) / height * 7 + 16 * warp
    veins = np.clip(1 - 5 * np.abs(np.sin(phase)), 0, 1).astype(np.float32)
    tone = jitter(rng, _WALLS[rng.integers(len(_WALLS))], 24)
    stone = shade(_flat(width, height, tone), warp, 0.35)
    return blend(stone, [c * 0.55 for c in tone], veins * 0.6)


BACKDROPS: dict[str, Callable[[np.random.Generator, int, int], Paint]] = {
    "hills": hills,
    "sea": sea,
    "city": city,
    "forest": forest,
    "clouds": clouds,
    "fields": fields,
    "room": _room,
    "bricks": _bricks,
    "checkers": _checkers,
    "bokeh": _bokeh,
    "marble": _marble,
}
"""Recipes by name: generator of chance, width, height to a float picture (h, w, 3) in 0..255."""


def paint(kind: str, seed: int, scene: int, width: int, height: int) -> NDArray[np.uint8]:
    """The backdrop of one scene as RGB bytes (h, w, 3)."""
    rng = np.random.default_rng([seed, scene, 1])
    picture = BACKDROPS[kind](rng, width, height)
    grain = fractal(rng, width, height, cells=height // 4, octaves=2)
    light = np.linspace(1.06, 0.9, height, dtype=np.float32)[:, None, None]
    return to_bytes(picture * light * (0.97 + 0.06 * grain[..., None]))
