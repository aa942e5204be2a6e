"""A long numbered video for measurements: two minutes encoded, then repeated by remuxing."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

__all__ = ["FPS", "OUT", "expected_number", "long_video", "read_number"]

Image = npt.NDArray[np.uint8]

FPS = 25
OUT = Path(__file__).parent / "out"
_SIZE = (1280, 720)
_GOP = 250
_SEGMENT_FRAMES = 3000
_BLOCK, _BITS = 16, 16
_CODING = (
    f"keyint={_GOP}:min-keyint={_GOP}:scenecut=0:bframes=3:b-adapt=1:b-pyramid=normal:ref=3:"
    "crf=25:rc-lookahead=10"
)


def expected_number(frame: int) -> int:
    """What frame `frame` of the long video shows: its place in the repeated segment."""
    return frame % _SEGMENT_FRAMES


def read_number(gray: Image) -> int:
    """The number burned into a full-size picture, shape (720, 1280); -1 if it is damaged."""
    row = gray[_BLOCK // 2, _BLOCK // 2 : 2 * _BITS * _BLOCK : _BLOCK] > 127
    value = int(sum(1 << bit for bit in range(_BITS) if row[bit]))
    return value if (row[:_BITS] ^ row[_BITS:]).all() else -1


def long_video(minutes: int) -> Path:
    """The path of a video of that length, made once and kept in `bench/out`."""
    path = OUT / f"hour-{minutes}.mp4"
    if not path.exists():
        OUT.mkdir(exist_ok=True)
        segment = OUT / "segment.mp4"
        if not segment.exists():
            print("encoding two minutes of 720p ...", file=sys.stderr)
            _encode(segment)
        print(f"repeating it to {minutes} minutes ...", file=sys.stderr)
        _repeat(segment, path, minutes * 60 * FPS // _SEGMENT_FRAMES)
    return path


def _encode(path: Path) -> None:
    part = path.with_suffix(".part.mp4")
    width, height = _SIZE
    rng = np.random.default_rng(3)
    texture = sum(
        np.kron(rng.random((2 * height // n, 2 * width // n)), np.ones((n, n))) for n in (4, 16, 80)
    )
    ground = (40 + 55 * np.asarray(texture)).astype(np.uint8)
    with av.open(str(part), "w") as output:
        options = {"preset": "veryfast", "x264-params": _CODING}
        stream = output.add_stream("libx264", rate=FPS, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(_SEGMENT_FRAMES):
            frame = av.VideoFrame.from_ndarray(_image(ground, index), format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    part.rename(path)


def _image(ground: Image, index: int) -> Image:
    """A camera panning over a texture, things that move in front of it, and a little grain."""
    width, height = _SIZE
    image = np.full((height * 3 // 2, width), 128, np.uint8)
    x = int(300 + 280 * np.sin(index / 90))
    y = int(200 + 180 * np.cos(index / 130))
    image[:height] = ground[y : y + height, x : x + width]
    for thing in range(6):
        left = (thing * 211 + index * (2 + thing)) % (width - 120)
        top = 120 + (thing * 97 + index * (1 + thing % 3)) % (height - 300)
        image[top : top + 90, left : left + 120] = 30 + 35 * thing
    grain = np.random.default_rng(index).integers(-3, 4, (height // 4, width), dtype=np.int8)
    image[height // 4 : height // 2] += grain.view(np.uint8)
    image[height + height // 8 :, : width // 3] = 100 + index // 25 % 50
    bits = [(index >> bit) & 1 for bit in range(_BITS)]
    for place, bit in enumerate([*bits, *(1 - bit for bit in bits)]):
        image[:_BLOCK, place * _BLOCK : (place + 1) * _BLOCK] = 220 if bit else 35
    return image


def _repeat(segment: Path, path: Path, times: int) -> None:
    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w") as output:
        stream = None
        for turn in range(times):
            with av.open(str(segment)) as source:
                video = source.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                assert video.time_base is not None
                shift = round(turn * Fraction(_SEGMENT_FRAMES, FPS) / video.time_base)
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts += shift
                    packet.dts += shift
                    packet.stream = stream
                    output.mux(packet)
    part.rename(path)
