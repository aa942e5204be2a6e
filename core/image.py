"""One decoded frame, and the cheap ways out of it: arrays and JPEG, scaled in YUV.

High dynamic range (PQ and HLG in BT.2020) comes out as a person sees it on an ordinary screen.
"""

from __future__ import annotations

import threading
from fractions import Fraction
from functools import cache
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import (
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)

__all__ = ["FrameShape", "Image", "Picture", "Scaler", "tone_mapped"]

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_WIDEST_PIXEL: Final = 4
_HIGH: Final = (int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67))
_WHITE_NITS: Final = 203.0
"""White of a page or a subtitle (ITU-R BT.2408); 1.0 below."""
_PEAK_NITS: Final = 1000.0
"""Of the screen that HLG is meant for (ITU-R BT.2100), and the gamma that goes with it."""
_HLG_GAMMA: Final = 1.2
_LUMA: Final = np.array([0.2627, 0.6780, 0.0593], np.float32)
_TO_709: Final = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
"""Linear BT.2020 to BT.709 (ITU-R BT.2407)."""
_KNEE: Final = 0.6
"""Light below it stays as it is; all that is brighter shares the rest."""
_STEPS: Final = 4096


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
        if _is_high_range(frame):
            frame = _ordinary(frame, width, height)
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


def _ordinary(frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """A frame of high dynamic range, scaled, with the colours of an ordinary one."""
    wide = VideoReformatter().reformat(
        frame, width, height, "rgb48le", src_colorspace=Colorspace.BT2020,
        interpolation=Interpolation.BICUBIC, threads=1,
    )  # fmt: skip
    hlg = frame.color_trc == ColorTrc.ARIB_STD_B67
    signal = np.asarray(wide.to_ndarray(), np.uint16)
    return av.VideoFrame.from_ndarray(tone_mapped(signal, hlg=hlg), format="rgb24")


def _plane(frame: av.VideoFrame, index: int, channels: int = 1) -> Image:
    """A plane without the padding at the end of its lines, as a view."""
    plane = frame.planes[index]
    padded = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    cut = padded[: plane.height, : plane.width * channels]
    return cut if channels == 1 else cut.reshape(plane.height, plane.width, channels)


def _is_high_range(frame: av.VideoFrame) -> bool:
    """Whether a frame has a curve that an ordinary picture shows far too flat."""
    return frame.color_trc in _HIGH


def tone_mapped(signal: npt.NDArray[np.uint16], *, hlg: bool) -> Image:
    """Shape (h, w, 3), 16 bits of BT.2020 with the PQ or the HLG curve, as 8 bits of sRGB."""
    light = (_hlg_light() if hlg else _pq_light())[signal >> 4]
    if hlg:
        luma = light @ _LUMA
        light *= (_PEAK_NITS / _WHITE_NITS) * luma[..., None] ** np.float32(_HLG_GAMMA - 1)
    light = np.clip(light @ _TO_709.T, 0, None)
    bright = light > _KNEE
    over = (light[bright] - _KNEE) / (1 - _KNEE)
    light[bright] = 1 - (1 - _KNEE) * np.exp(-over)
    shown: Image = _srgb()[np.rint(light * (_STEPS - 1)).astype(np.uint16)]
    return shown


def _signal() -> Floats:
    return np.linspace(0, 1, _STEPS, dtype=np.float32)


@cache
def _pq_light() -> Floats:
    """SMPTE ST 2084."""
    root = _signal() ** (1 / 78.84375)
    nits = 10000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (
        1 / 0.1593017578125
    )
    return np.asarray(nits / _WHITE_NITS, np.float32)


@cache
def _hlg_light() -> Floats:
    """Light of the scene, ITU-R BT.2100."""
    signal = _signal()
    high = (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return np.asarray(np.where(signal <= 0.5, signal**2 / 3, high), np.float32)


@cache
def _srgb() -> Image:
    """IEC 61966-2-1."""
    light = _signal()
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(curve * 255), np.uint8)
