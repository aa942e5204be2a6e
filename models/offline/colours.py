"""Names of colours, for pixels and for the ground that text stands on."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["COLOUR_NAMES", "colour_indices", "ground_colour"]

Image = npt.NDArray[np.uint8]

COLOUR_NAMES: Final = (
    *("black", "white", "grey", "brown", "red", "orange"),
    *("yellow", "green", "turquoise", "blue", "purple", "pink"),
)
_HUE_ENDS: Final = (15, 43, 68, 165, 195, 252, 292, 342, 361)
"""Upper ends in degrees of red, orange, yellow, green, turquoise, blue, purple, pink, red."""
_HUE_NAMES: Final = (
    "red",
    "orange",
    "yellow",
    "green",
    "turquoise",
    "blue",
    "purple",
    "pink",
    "red",
)
_DARK: Final = 0.24
_PALE: Final = 0.2
_LIGHT: Final = 0.8
_BROWN: Final = 0.55
_SHARE: Final = 0.45
"""Share of a text's box that its ground must fill with one colour to be named."""


def colour_indices(rgb: Image) -> npt.NDArray[np.int8]:
    """The colour of every pixel (h, w, 3), as an index into `COLOUR_NAMES`, shape (h, w)."""
    pixels = rgb.astype(np.float32) / np.float32(255)
    value, low = pixels.max(axis=-1), pixels.min(axis=-1)
    spread = value - low
    saturation = spread / np.maximum(value, np.float32(1e-6))
    table = np.array([COLOUR_NAMES.index(name) for name in _HUE_NAMES], np.int8)
    names = table[np.searchsorted(np.array(_HUE_ENDS), _hue(pixels, value, spread), side="right")]
    names[(names == COLOUR_NAMES.index("orange")) & (value < _BROWN)] = COLOUR_NAMES.index("brown")
    pale = saturation < _PALE
    names[pale] = COLOUR_NAMES.index("grey")
    names[pale & (value > _LIGHT)] = COLOUR_NAMES.index("white")
    names[value < _DARK] = COLOUR_NAMES.index("black")
    return names


def ground_colour(rgb: Image, box: tuple[int, int, int, int]) -> str:
    """The colour behind text in a box (left, top, right, bottom); empty when there is no plain one.

    The ground is what fills the rim of the box: letters hardly touch it.
    """
    left, top, right, bottom = box
    pad = max(2, (bottom - top) // 6)
    part = rgb[max(0, top - pad) : bottom + pad, max(0, left - pad) : right + pad]
    if min(part.shape[:2], default=0) < 2 * pad:
        return ""
    names = colour_indices(part)
    rim = np.concatenate([names[:pad].ravel(), names[-pad:].ravel()])
    counts = np.bincount(rim, minlength=len(COLOUR_NAMES))
    best = int(counts.argmax())
    plain = counts[best] > 0.9 * counts.sum() and (names == best).mean() > _SHARE
    return COLOUR_NAMES[best] if plain else ""


def _hue(
    pixels: npt.NDArray[np.float32], value: npt.NDArray[np.float32], spread: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Hue in degrees, [0, 360); 0 for greys."""
    red, green, blue = np.moveaxis(pixels, -1, 0)
    safe = np.maximum(spread, np.float32(1e-6))
    hue = np.select(
        [spread < 1e-6, value == red, value == green],
        [np.zeros_like(red), ((green - blue) / safe) % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    result: npt.NDArray[np.float32] = (hue * 60 % 360).astype(np.float32)
    return result
