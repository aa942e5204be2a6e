"""Pictures with transparency, and laying them over frames in YUV 4:2:0."""

from __future__ import annotations

from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Overlay", "planes_of"]

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint16]


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
