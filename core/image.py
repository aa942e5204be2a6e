"""One decoded frame, and the cheap ways out of it: arrays and JPEG, scaled in YUV."""

from __future__ import annotations

import threading
from fractions import Fraction
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

__all__ = ["FrameShape", "Image", "Picture", "Scaler"]

Image = npt.NDArray[np.uint8]

_WIDEST_PIXEL: Final = 4


class FrameShape:
    """How stored frames become upright pictures with square pixels."""

    __slots__ = ("height", "rotation", "width")

    def __init__(self, width: int, height: int, *, aspect: Fraction | None, rotation: int) -> None:
        """From the stored size, the pixel aspect (width over height) and clockwise degrees."""
        if aspect and 1 / _WIDEST_PIXEL <= aspect <= _WIDEST_PIXEL:
            width = max(1, round(width * aspect))
        self.rotation = rotation % 360
        self.width, self.height = (height, width) if self.turned else (width, height)

    @property
    def turned(self) -> bool:
        """Whether width and height change places."""
        return self.rotation in (90, 270)

    def fit(self, max_side: int | None) -> tuple[int, int]:
        """Width and height with the larger side at most `max_side`; never larger than shown."""
        largest = max(self.width, self.height)
        if max_side is None or max_side >= largest:
            return self.width, self.height
        scale = max(1, max_side) / largest
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


class Scaler(threading.local):
    """swscale contexts, kept for each size because setting one up costs more than using it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, ...], VideoReformatter] = {}

    def scale(
        self, frame: av.VideoFrame, width: int, height: int, format: str, *, jpeg: bool = False
    ) -> av.VideoFrame:
        """The frame in another size and pixel format; `jpeg` asks for the colours of JFIF."""
        key = (frame.width, frame.height, width, height, hash(format), jpeg)
        if key not in self._kept:
            if len(self._kept) >= 16:
                self._kept.clear()
            self._kept[key] = VideoReformatter()
        colours = {"dst_colorspace": Colorspace.ITU601} if jpeg else {}
        return self._kept[key].reformat(
            frame,
            width,
            height,
            format,
            interpolation=Interpolation.BICUBIC,
            dst_color_range=ColorRange.JPEG if jpeg else None,
            threads=1,
            **colours,
        )


class Picture:
    """A frame on the presentation timeline; for one thread at a time."""

    __slots__ = ("_frame", "_scaler", "_shape", "duration", "time")

    def __init__(
        self,
        frame: av.VideoFrame,
        *,
        time: float,
        duration: float,
        shape: FrameShape,
        scaler: Scaler,
    ) -> None:
        self.time = time
        """When it is shown, in seconds after the first frame, from its exact PTS."""
        self.duration = duration
        """How long it is shown, in seconds, as well as is known."""
        self._frame = frame
        self._shape = shape
        self._scaler = scaler

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as shown, in pixels."""
        return self._shape.width, self._shape.height

    def rgb(self, max_side: int | None = None) -> Image:
        """FrameShape (height, width, 3), upright, the larger side at most `max_side`."""
        scaled = self._scaler.scale(self._frame, *self._stored(max_side), "rgb24")
        return self._upright(_plane(scaled, 0, 3))

    def gray(self, width: int, height: int) -> Image:
        """Brightness, shape (height, width), upright, stretched to exactly that size."""
        stored = (height, width) if self._shape.turned else (width, height)
        return self._upright(_plane(self._scaler.scale(self._frame, *stored, "gray"), 0))

    def jpeg(self, max_side: int, quality: int) -> bytes:
        """A JPEG file with 4:2:0 colour, the larger side at most `max_side`, quality 1 to 100."""
        import simplejpeg

        width, height = self._stored(max_side)
        scaled = self._scaler.scale(self._frame, width, height, "yuvj420p", jpeg=True)
        planes = [self._upright(_plane(scaled, index)) for index in range(3)]
        encoded: bytes = simplejpeg.encode_jpeg_yuv_planes(*planes, quality=quality)
        return encoded

    def _stored(self, max_side: int | None) -> tuple[int, int]:
        width, height = self._shape.fit(max_side)
        return (height, width) if self._shape.turned else (width, height)

    def _upright(self, image: Image) -> Image:
        turned = np.rot90(image, -(self._shape.rotation // 90)) if self._shape.rotation else image
        return np.ascontiguousarray(turned)


def _plane(frame: av.VideoFrame, index: int, channels: int = 1) -> Image:
    """A plane without the padding at the end of its lines, as a view."""
    plane = frame.planes[index]
    padded = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    cut = padded[: plane.height, : plane.width * channels]
    return cut if channels == 1 else cut.reshape(plane.height, plane.width, channels)
