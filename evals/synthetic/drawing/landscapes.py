"""Backdrops of the open air."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from videoseal.evals.synthetic.drawing.texture import (
    Paint,
    blend,
    fractal,
    gradient,
    jitter,
    shade,
    wave,
)

__all__ = ["city", "clouds", "fields", "forest", "hills", "sea"]

_SKIES = (
    ((70, 120, 190), (190, 214, 232)),
    ((52, 60, 110), (238, 160, 110)),
    ((120, 150, 170), (214, 214, 204)),
    ((24, 30, 62), (92, 84, 128)),
    ((90, 160, 200), (240, 226, 190)),
)


def _sky(rng: np.random.Generator, width: int, height: int) -> Paint:
    top, low = _SKIES[rng.integers(len(_SKIES))]
    sky = gradient(width, height, [(0, jitter(rng, top, 12)), (0.75, jitter(rng, low, 12))])
    haze = np.clip(fractal(rng, width, height, cells=3, octaves=5, stretch=2.5) * 3 - 1.35, 0, 1)
    return blend(sky, (238, 238, 238), haze * float(rng.uniform(0.2, 0.7)))


def _disc(width: int, height: int, x: float, y: float, radius: float) -> Paint:
    rows, columns = np.ogrid[:height, :width]
    distance = np.sqrt((columns - x) ** 2 + (rows - y) ** 2)
    return np.clip((radius - distance) / 2 + 0.5, 0, 1).astype(np.float32)


def _ridge(rng: np.random.Generator, width: int, height: int, level: float, rough: float) -> Paint:
    """1 below a mountain line that wavers around `level` (0 top, 1 bottom)."""
    line = wave(rng, width, bends=5)
    edge = height * (level + rough * (line - 0.5))
    rows = np.arange(height, dtype=np.float32)[:, None]
    made: Paint = np.clip(rows - edge[None, :], 0, 1).astype(np.float32)
    return made


def hills(rng: np.random.Generator, width: int, height: int) -> Paint:
    """Mountain ridges fading into haze under a sun."""
    picture = _sky(rng, width, height)
    sun = _disc(width, height, rng.uniform(0.1, 0.9) * width, height * 0.22, height * 0.06)
    picture = blend(picture, (252, 240, 206), sun)
    near, far = jitter(rng, (38, 62, 42), 18), picture[height // 2, 0]
    noise = fractal(rng, width, height, cells=12, octaves=5)
    for step in range(5):
        mask = _ridge(rng, width, height, 0.42 + 0.12 * step, 0.34 - 0.04 * step)
        share = (step + 1) / 5
        tone = [float(f + (n - f) * share) for n, f in zip(near, far, strict=True)]
        layer = np.empty((height, width, 3), np.float32)
        layer[:] = tone
        picture = blend(picture, shade(layer, noise, 0.15 + 0.25 * share), mask)
    return picture


def sea(rng: np.random.Generator, width: int, height: int) -> Paint:
    """Water with long waves, a glittering path, and an island."""
    picture, horizon = _sky(rng, width, height), int(height * rng.uniform(0.38, 0.5))
    island = _ridge(rng, width, height, 0.42, 0.25)
    island[horizon:] = 0
    picture = blend(picture, jitter(rng, (70, 84, 92), 14), island * 0.85)
    depth = height - horizon
    tone = jitter(rng, (30, 86, 118), 20)
    water = gradient(width, depth, [(0, [c * 1.5 for c in tone]), (1, tone)])
    waves = fractal(rng, width, depth, cells=40, octaves=3, stretch=9)
    water = shade(water, waves, 0.4)
    columns = np.arange(width)[None, :] / width
    path = np.exp(-(((columns - rng.uniform(0.2, 0.8)) / 0.07) ** 2)) * (waves > 0.56)
    water = blend(water, (252, 240, 210), (path * 0.7).astype(np.float32))
    picture[horizon:] = water
    return picture


def city(rng: np.random.Generator, width: int, height: int) -> Paint:
    """Rows of houses with lit windows."""
    sky = gradient(width, height, [(0, jitter(rng, (32, 36, 74), 14)), (0.8, (206, 130, 110))])
    picture = Image.fromarray(sky.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for row, tone in enumerate(((78, 72, 100), (52, 50, 76), (30, 30, 48))):
        x = -10
        while x < width:
            wide = int(rng.uniform(0.07, 0.16) * height * 1.4)
            top = int(height * (rng.uniform(0.3, 0.52) + 0.13 * row))
            draw.rectangle((x, top, x + wide, height), fill=tone)
            _windows(rng, draw, (x, top, x + wide, height), row)
            x += wide + int(rng.uniform(0, 8))
    return np.asarray(picture, np.float32)


def _windows(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], row: int
) -> None:
    left, top, right, bottom = box
    step, lit = 9 + 4 * row, ((236, 198, 112), (250, 226, 160), (150, 170, 190))
    for y in range(top + step, bottom - step, 2 * step):
        for x in range(left + step // 2, right - step, step + 4):
            chance = rng.random()
            if chance < 0.4:
                tone = lit[int(chance * 7.4)]
                draw.rectangle((x, y, x + step // 2, y + step), fill=tone)


def forest(rng: np.random.Generator, width: int, height: int) -> Paint:
    """Trunks, nearer ones darker, in a green mist."""
    tone = jitter(rng, (150, 176, 140), 18)
    picture = gradient(width, height, [(0, tone), (1, [c * 0.6 for c in tone])])
    canvas = Image.fromarray(picture.astype(np.uint8))
    for layer in range(4):
        draw, share = ImageDraw.Draw(canvas), layer / 3
        bark = tuple(int(t + (d - t) * share) for t, d in zip(tone, (44, 36, 30), strict=True))
        for _ in range(16 - 3 * layer):
            x, wide = (
                rng.uniform(0, width),
                height * (0.012 + 0.022 * layer) * rng.uniform(0.6, 1.4),
            )
            lean = rng.uniform(-0.04, 0.04) * height
            draw.polygon(
                [
                    (x, 0),
                    (x + wide, 0),
                    (x + 1.5 * wide + lean, height),
                    (x - wide / 2 + lean, height),
                ],
                fill=bark,
            )
        if layer < 3:
            canvas = canvas.filter(ImageFilter.GaussianBlur(2 - layer / 2))
    leaves = fractal(rng, width, height, cells=14, octaves=5)
    rows = np.linspace(1, -0.6, height, dtype=np.float32)[:, None]
    crown = np.clip((leaves + 0.45 * rows - 0.62) * 6, 0, 1).astype(np.float32)
    return blend(shade(np.asarray(canvas, np.float32), leaves, 0.3), (46, 84, 44), crown * 0.85)


def clouds(rng: np.random.Generator, width: int, height: int) -> Paint:
    """Nothing but sky."""
    tone = jitter(rng, (80, 130, 190), 30)
    picture = gradient(width, height, [(0, tone), (1, [min(255, c + 60) for c in tone])])
    thick = np.clip(fractal(rng, width, height, cells=3, octaves=7, stretch=1.4) * 3.2 - 1.2, 0, 1)
    shadow = fractal(rng, width, height, cells=4, octaves=5)
    white = shade(np.full((height, width, 3), 226, np.float32), shadow, 0.25)
    return blend(picture, white, thick)


def fields(rng: np.random.Generator, width: int, height: int) -> Paint:
    """Farmland from the air: patches between hedges and a river."""
    canvas = Image.new("RGB", (width, height), (96, 120, 62))
    draw, side = ImageDraw.Draw(canvas), height // 5
    tones = ((142, 152, 76), (186, 168, 96), (92, 122, 58), (120, 98, 62), (162, 176, 112))
    slant = rng.uniform(-0.5, 0.5)
    for row in range(-1, 8):
        x = -side * 2.0
        while x < width + side:
            wide = side * rng.uniform(0.5, 1.8)
            y, shift = row * side, slant * row * side
            corners = [(x + shift, y), (x + wide + shift, y)]
            corners += [
                (x + wide + shift + slant * side, y + side),
                (x + shift + slant * side, y + side),
            ]
            tone = tuple(int(c) for c in jitter(rng, tones[rng.integers(5)], 12))
            draw.polygon(corners, fill=tone, outline=(58, 78, 44))
            x += wide
    bend = wave(rng, width, bends=3, octaves=2)
    middle = height * (0.2 + 0.6 * bend)
    rows = np.arange(height, dtype=np.float32)[:, None]
    river = np.clip(height * 0.035 - np.abs(rows - middle[None]), 0, 1).astype(np.float32)
    noise = fractal(rng, width, height, cells=30, octaves=4)
    return blend(shade(np.asarray(canvas, np.float32), noise, 0.25), (78, 120, 140), river)
