"""Backdrops: still pictures that the camera moves over. Each is a recipe of a few paints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from videoseal.evals.synthetic.drawing.interiors import bokeh, bricks, checkers, marble, room
from videoseal.evals.synthetic.drawing.landscapes import city, clouds, fields, forest, hills, sea
from videoseal.evals.synthetic.drawing.texture import Paint, fractal, to_bytes

__all__ = ["BACKDROPS", "paint"]

BACKDROPS: dict[str, Callable[[np.random.Generator, int, int], Paint]] = {
    "hills": hills,
    "sea": sea,
    "city": city,
    "forest": forest,
    "clouds": clouds,
    "fields": fields,
    "room": room,
    "bricks": bricks,
    "checkers": checkers,
    "bokeh": bokeh,
    "marble": marble,
}
"""Recipes by name: generator of chance, width, height to a float picture (h, w, 3) in 0..255."""


def paint(kind: str, seed: int, scene: int, width: int, height: int) -> NDArray[np.uint8]:
    """The backdrop of one scene as RGB bytes (h, w, 3)."""
    rng = np.random.default_rng([seed, scene, 1])
    picture = BACKDROPS[kind](rng, width, height)
    grain = fractal(rng, width, height, cells=height // 4, octaves=2)
    light = np.linspace(1.06, 0.9, height, dtype=np.float32)[:, None, None]
    return to_bytes(picture * light * (0.97 + 0.06 * grain[..., None]))
