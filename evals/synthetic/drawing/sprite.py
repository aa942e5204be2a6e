"""Pictures with transparency in YUV 4:2:0, and laying them over frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Planes", "Sprite", "to_planes"]

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint16]


class Planes(NamedTuple):
    """The three planes of a yuv420p picture, BT.601 limited range; writable views for frames."""

    y: Bytes
    u: Bytes
    v: Bytes


def _yuv(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    r, g, b = (rgb[..., i].astype(np.int32) for i in range(3))
    y = ((66 * r + 129 * g + 25 * b + 128) >> 8) + 16
    u = ((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128
    v = ((112 * r - 94 * g - 18 * b + 128) >> 8) + 128
    return y, u, v


def _halved(plane: NDArray[np.int32]) -> NDArray[np.int32]:
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2] + 2) >> 2


def to_planes(rgb: Bytes) -> Planes:
    """Convert an opaque picture of even size, (h, w, 3)."""
    y = _yuv(rgb)[0].astype(np.uint8)
    small = _halved_rgb(rgb)
    _, u, v = _yuv(small)
    return Planes(y, u.astype(np.uint8), v.astype(np.uint8))


def _halved_rgb(rgb: Bytes) -> Bytes:
    wide = rgb.astype(np.uint16)
    total = wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2]
    return ((total + 2) >> 2).astype(np.uint8)


class _Layer(NamedTuple):
    """One plane, already multiplied with its opacity, and what it leaves of what is below."""

    colour: Words
    """Value times opacity, opacity in 0..256."""
    keep: Words
    """256 minus opacity."""

    def over(self, plane: Bytes, x: int, y: int) -> None:
        """Blend onto `plane` with the left top corner at (x, y), cut at the edges."""
        height, width = self.keep.shape
        left, top = max(0, -x), max(0, -y)
        right, bottom = min(width, plane.shape[1] - x), min(height, plane.shape[0] - y)
        if right <= left or bottom <= top:
            return
        below = plane[y + top : y + bottom, x + left : x + right]
        mixed = below * self.keep[top:bottom, left:right]
        mixed += self.colour[top:bottom, left:right]
        mixed >>= 8
        below[...] = mixed


class Sprite:
    """A picture with transparency, ready to be laid over frames."""

    def __init__(self, image: Image.Image) -> None:
        rgba = np.asarray(image.convert("RGBA"))
        pad = [(0, rgba.shape[0] % 2), (0, rgba.shape[1] % 2), (0, 0)]
        rgba = np.pad(rgba, pad) if pad[0][1] or pad[1][1] else rgba
        self.height, self.width = rgba.shape[:2]
        alpha = (rgba[..., 3].astype(np.int32) * 256 + 127) // 255
        y, u, v = (plane * alpha for plane in _yuv(rgba[..., :3]))
        small = _halved(alpha)
        self._layers = (
            _Layer(y.astype(np.uint16), (256 - alpha).astype(np.uint16)),
            *(
                _Layer(_halved(plane).astype(np.uint16), (256 - small).astype(np.uint16))
                for plane in (u, v)
            ),
        )

    def draw(self, planes: Planes, x: int, y: int) -> None:
        """Lay over `planes`; the corner is moved to even pixels, where chroma lies."""
        x, y = x & ~1, y & ~1
        self._layers[0].over(planes.y, x, y)
        self._layers[1].over(planes.u, x >> 1, y >> 1)
        self._layers[2].over(planes.v, x >> 1, y >> 1)
