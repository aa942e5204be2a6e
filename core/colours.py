"""Names of the colours of pixels."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["COLOUR_NAMES", "ColourBounds", "colour_indices"]

COLOUR_NAMES: Final = (
    *("black", "white", "grey", "brown", "red", "orange"),
    *("yellow", "green", "turquoise", "blue", "purple", "pink"),
)
_HUE_NAMES: Final = (
    *("red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink", "red"),
)
_OF_HUE: Final = np.array([COLOUR_NAMES.index(name) for name in _HUE_NAMES], np.int8)
_BLACK, _WHITE, _GREY, _BROWN, _RED, _ORANGE = range(6)


class ColourBounds(NamedTuple):
    """Where one name ends and the next begins; values and saturations lie in [0, 1]."""

    hues: tuple[int, ...] = (15, 43, 68, 165, 195, 252, 292, 342, 361)
    """Upper ends in degrees of red, orange, yellow, green, turquoise, blue, purple, pink, red."""
    dark: float = 0.24
    """Value below which everything is black."""
    pale: float = 0.2
    """Saturation below which there is no hue: white, grey or black."""
    light: float = 0.8
    """Value above which what is pale is white."""
    brown: float = 0.55
    """Value below which orange is brown."""


def colour_indices(
    rgb: npt.NDArray[np.uint8], bounds: ColourBounds | None = None
) -> npt.NDArray[np.int8]:
    """The colour of every pixel (..., 3), as an index into `COLOUR_NAMES`, shape (...)."""
    bounds = bounds or ColourBounds()
    pixels = rgb.astype(np.float32) / np.float32(255)
    value, low = pixels.max(axis=-1), pixels.min(axis=-1)
    spread = value - low
    saturation = spread / np.maximum(value, np.float32(1e-6))
    hue = _hue(pixels, value, spread)
    names = _OF_HUE[np.searchsorted(np.array(bounds.hues), hue, side="right")]
    names[(names == _ORANGE) & (value < bounds.brown)] = _BROWN
    pale = saturation < bounds.pale
    names[pale] = _GREY
    names[pale & (value > bounds.light)] = _WHITE
    names[value < bounds.dark] = _BLACK
    return names


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
