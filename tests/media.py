"""Small videos whose every frame carries its own number, made with PyAV when a test needs them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.stream import Disposition

__all__ = [
    "Clip",
    "audio_only",
    "beeping",
    "burn",
    "damage",
    "lie_about_duration",
    "read_number",
    "rotate",
    "together",
    "truncate",
]

Image = npt.NDArray[np.uint8]
_COLUMNS, _ROWS, _BITS = 8, 3, 20
_OPEN_GOP = "keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=1:bframes=4:b-pyramid=normal:ref=4"
_PTS_BASE = Fraction(1, 90_000)


def _bits(number: int) -> list[int]:
    check = sum((number >> shift) & 15 for shift in range(0, _BITS, 4)) & 15
    value = number | (15 - check) << _BITS
    return [(value >> bit) & 1 for bit in range(_COLUMNS * _ROWS)]


def burn(image: Image, number: int) -> None:
    """Write `number` (20 bits and a checksum) as light and dark blocks over the top half."""
    height, width = image.shape[:2]
    for index, bit in enumerate(_bits(number)):
        row, column = divmod(index, _COLUMNS)
        rows = slice(row * height // 2 // _ROWS, (row + 1) * height // 2 // _ROWS)
        columns = slice(column * width // _COLUMNS, (column + 1) * width // _COLUMNS)
        image[rows, columns] = 210 if bit else 45


def read_number(image: Image) -> int:
    """The number burned into a picture of any size, shape (h, w) or (h, w, 3).

    Raises ValueError when the checksum is wrong.
    """
    grey = image if image.ndim == 2 else image.mean(axis=2)
    height, width = grey.shape
    value = 0
    for index in range(_COLUMNS * _ROWS):
        row, column = divmod(index, _COLUMNS)
        y = int((row + 0.5) * height / 2 / _ROWS)
        x = int((column + 0.5) * width / _COLUMNS)
        value |= int(grey[y, x] > 127) << index
    number = value & ((1 << _BITS) - 1)
    if _bits(number) != [(value >> bit) & 1 for bit in range(_COLUMNS * _ROWS)]:
        raise ValueError(f"no number can be read ({value:#x})")
    return number


@dataclass(frozen=True)
class Clip:
    """How a numbered test video is made; `write` makes it.

    Frame `i` shows the number `i` and is due at `times[i]` seconds (before `start` is added).
    """

    frames: int = 60
    fps: int = 25
    size: tuple[int, int] = (160, 96)
    gop: int = 12
    codec: str = "libx264"
    pixels: str = "yuv420p"
    open_gop: bool = True
    start: float = 0.0
    times: Sequence[float] | None = None
    sound: bool = False
    aspect: Fraction | None = None
    options: dict[str, str] = field(default_factory=dict)
    format_options: dict[str, str] = field(default_factory=dict)

    @property
    def due(self) -> list[float]:
        """When each frame is shown, in seconds after the first."""
        return list(self.times or [index / self.fps for index in range(self.frames)])

    def write(self, path: Path) -> Path:
        """Encode into the container that the file's suffix names."""
        with av.open(str(path), "w", options=self.format_options) as output:
            stream = output.add_stream(self.codec, rate=self.fps, options=self._codec_options())
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = self.size
            stream.pix_fmt = self.pixels
            if self.aspect:
                stream.codec_context.sample_aspect_ratio = self.aspect
            if not self.codec.startswith("mpeg"):
                stream.codec_context.time_base = _PTS_BASE
            if self.sound:
                _write_silence(output, self.due[-1] + 1 / self.fps)
            for index, due in enumerate(self.due):
                frame = av.VideoFrame.from_ndarray(self._image(index), format="rgb24")
                frame.pts = round((due + self.start) / _PTS_BASE)
                frame.time_base = _PTS_BASE
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path

    def _codec_options(self) -> dict[str, str]:
        if "x265-params" in self.options:
            return dict(self.options)
        if self.codec == "libx264":
            shape = _OPEN_GOP if self.open_gop else _OPEN_GOP.replace("open-gop=1", "open-gop=0")
            basics = {"preset": "veryfast", "x264-params": shape.format(gop=self.gop)}
        elif self.codec == "libx265":
            shape = f"keyint={self.gop}:min-keyint={self.gop}:log-level=none:pools=1"
            basics = {"preset": "ultrafast", "x265-params": f"{shape}:bframes=4:b-pyramid=1"}
        elif self.codec == "libvpx-vp9":
            basics = {"deadline": "realtime", "cpu-used": "8", "g": str(self.gop)}
        else:
            basics = {"g": str(self.gop)}
        return {**basics, **self.options}

    def _image(self, index: int) -> Image:
        width, height = self.size
        noise = np.random.default_rng(7).integers(0, 90, (height, width, 3), dtype=np.uint8)
        image: Image = np.ascontiguousarray(np.roll(noise, (index, 3 * index), axis=(0, 1)))
        image[:, : width // 2, 0] += 120
        burn(image, index)
        return image


def _write_silence(output: av.container.OutputContainer, seconds: float) -> None:
    rate = 8000
    stream = output.add_stream("aac", rate=rate)
    assert isinstance(stream, av.AudioStream)
    for at in range(0, max(1024, int(seconds * rate)), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def together(path: Path, *clips: Clip, default: int = 0) -> Path:
    """The films of several clips as video tracks of one file, in that order."""
    parts = [clip.write(path.with_name(f"part{n}.mp4")) for n, clip in enumerate(clips)]
    with av.open(str(path), "w") as output:
        opened = [av.open(str(part)) for part in parts]
        tracks = [output.add_stream_from_template(part.streams.video[0]) for part in opened]
        for number, track in enumerate(tracks):
            track.disposition = Disposition.default if number == default else Disposition(0)
        packets = [
            (float(packet.dts * packet.time_base), number, packet)
            for number, part in enumerate(opened)
            for packet in part.demux()
            if packet.dts is not None and packet.time_base is not None
        ]
        for _, number, packet in sorted(packets, key=lambda item: item[:2]):
            packet.stream = tracks[number]
            output.mux(packet)
        for part in opened:
            part.close()
    return path


def beeping(
    path: Path, *tracks: Sequence[float], default: int = 0, hole: tuple[float, float] = (0, 0)
) -> Path:
    """Ten seconds of picture with sound tracks that beep for half a second at some moments.

    The tracks are in German, English and French in turn. In all of them no packet lies between
    the start and the end of the `hole`.
    """
    rate = 16_000
    with av.open(str(path), "w") as output:
        film = output.add_stream("libx264", rate=5)
        assert isinstance(film, av.VideoStream)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        heard = []
        for number, _ in enumerate(tracks):
            stream = output.add_stream("aac", rate=rate)
            assert isinstance(stream, av.AudioStream)
            stream.layout = "mono"
            stream.metadata["language"] = ("ger", "eng", "fre")[number % 3]
            stream.disposition = Disposition.default if number == default else Disposition(0)
            heard.append(stream)
        for index in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * index, np.uint8), "rgb24")
            frame.pts = index
            output.mux(film.encode(frame))
        output.mux(film.encode(None))
        for stream, moments in zip(heard, tracks, strict=True):
            time = np.arange(10 * rate) / rate
            loud = sum(((time >= at) & (time < at + 0.5)).astype(np.float32) for at in moments)
            wave = (0.5 * np.sin(2764 * time) * loud).astype(np.float32)[None]
            for at in range(0, wave.shape[1] - 1023, 1024):
                if not hole[0] <= at / rate < hole[1]:
                    part = av.AudioFrame.from_ndarray(
                        wave[:, at : at + 1024].copy(), "fltp", "mono"
                    )
                    part.sample_rate, part.pts, part.time_base = rate, at, Fraction(1, rate)
                    output.mux(stream.encode(part))
            output.mux(stream.encode(None))
    return path


def audio_only(path: Path) -> Path:
    """A second of silence without a picture."""
    with av.open(str(path), "w") as output:
        _write_silence(output, 1.0)
    return path


def damage(path: Path, start: float, end: float) -> Path:
    """Overwrite the bytes between two shares of the file with noise."""
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * end)
    data[first:last] = np.random.default_rng(1).bytes(last - first)
    path.write_bytes(data)
    return path


def truncate(path: Path, keep: float) -> Path:
    """Cut the file to the given share of its bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def rotate(path: Path, degrees: int) -> Path:
    """Ask players of an mp4 to turn it clockwise, by the matrix in its track header."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    unit = 1 << 16
    matrix = [cosine * unit, sine * unit, 0, -sine * unit, cosine * unit, 0, 0, 0, 1 << 30]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)
    return path


def lie_about_duration(path: Path, factor: int) -> Path:
    """Multiply the durations that the headers of an mp4 or mkv claim."""
    data = bytearray(path.read_bytes())
    if path.suffix == ".mkv":
        at = data.index(b"\x44\x89\x88") + 3
        struct.pack_into(">d", data, at, struct.unpack_from(">d", data, at)[0] * factor)
        path.write_bytes(data)
        return path
    for name, offset in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        at = data.index(name) + offset
        claimed = struct.unpack_from(">I", data, at)[0]
        struct.pack_into(">I", data, at, claimed * factor)
    path.write_bytes(data)
    return path
