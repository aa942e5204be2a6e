"""Noise, gradients and mixing, the paints of the backdrops. Pictures are float32 (h, w, 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Paint", "blend", "fractal", "gradient", "jitter", "shade", "to_bytes", "wave"]

Paint = NDArray[np.float32]
Colour = Sequence[float]


def fractal(
    rng: np.random.Generator, width: int, height: int, *, cells: int = 4, octaves: int = 5,
    stretch: float = 1.0,
) -> Paint:  # fmt: skip
    """Cloud-like noise in 0..1, shape (h, w); `stretch` > 1 draws it out sideways."""
    total, weight = np.zeros((height, width), np.float32), 0.0
    for octave in range(octaves):
        rows = min(height, max(2, cells * 2**octave))
        columns = min(width, max(2, round(rows * width / height / stretch)))
        grid = rng.random((rows, columns), dtype=np.float32)
        share = 0.55**octave
        picture = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += share * np.asarray(picture)
        weight += share
    made: Paint = np.clip(total / weight, 0, 1).astype(np.float32)
    return made


def wave(rng: np.random.Generator, length: int, *, bends: int, octaves: int = 5) -> Paint:
    """A wavering line in about 0..1, shape (length,), with about `bends` turns."""
    total, weight = np.zeros(length, np.float32), 0.0
    for octave in range(octaves):
        points = rng.random(bends * 2**octave + 4)
        places = np.linspace(1, len(points) - 2.001, length)
        low, part = places.astype(int), places % 1
        part = part * part * (3 - 2 * part)
        total += 0.45**octave * (points[low] * (1 - part) + points[low + 1] * part)
        weight += 0.45**octave
    return (total / weight).astype(np.float32)


def gradient(width: int, height: int, stops: Sequence[tuple[float, Colour]]) -> Paint:
    """A vertical gradient through `stops` (place in 0..1, RGB), shape (h, w, 3)."""
    places = np.linspace(0, 1, height)
    column = np.stack(
        [np.interp(places, [s[0] for s in stops], [s[1][i] for s in stops]) for i in range(3)], -1
    )
    return np.broadcast_to(column[:, None], (height, width, 3)).astype(np.float32)


def blend(below: Paint, above: Paint | Colour, mask: Paint) -> Paint:
    """Lay `above` over `below` where `mask` (h, w) is 1."""
    over = np.asarray(above, np.float32)
    return below + (over - below) * mask[..., None]


def shade(picture: Paint, noise: Paint, amount: float) -> Paint:
    """Make brighter and darker by `amount` (a fraction) after `noise` in 0..1."""
    return picture * (1 + amount * (2 * noise[..., None] - 1))


def jitter(rng: np.random.Generator, colour: Colour, amount: float) -> list[float]:
    """A colour near `colour`, each channel moved by up to `amount`."""
    return [float(c + rng.uniform(-amount, amount)) for c in colour]


def to_bytes(picture: Paint) -> NDArray[np.uint8]:
    """Round to bytes."""
    made: NDArray[np.uint8] = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return made
