"""A few seconds of a video as a file that every browser plays, cut by ffmpeg."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from av.video.reformatter import ColorTrc

from videoseal.core.container import INPUT_OPTIONS, open_film
from videoseal.core.errors import MissingDependency, UnreadableVideo
from videoseal.core.span import Span
from videoseal.core.video import probe, timeline
from videoseal.indexing.sound_track import sound_track

__all__ = ["ffmpeg_binary", "write_clip"]

_SIDE: Final = 1280
_RATES: Final = (24.0, 60.0)
"""Frames a second at least and at most."""
_EARLY: Final = 10.0
"""Seconds before a span from which it is decoded: a file without an index is searched for its
keyframes, and the first one that is found may be late."""
_FAULT: Final = 300
_HIGH_RANGE: Final = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
_HINT: Final = "pip install 'videoseal-agent[clips]'"


def write_clip(
    video: Path, span: Span, target: Path, *, track: str = "", stamp: bool = False
) -> Span:
    """Write `span` of a video as MP4 (H.264, AAC) in place of `target`; says what it covers.

    The sound is the track that `sound_track` chooses. With `stamp` each frame carries its
    presentation time. Raises SpanError for a span after the end, VideoError, MissingDependency.
    """
    info = probe(video)
    span = span.within(info.duration)
    binary = ffmpeg_binary()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".clip-") as folder:
        made = Path(folder, "clip.mp4")
        command = _command(video, span, made, track, _font(folder) if stamp else None, info.fps)
        done = subprocess.run([binary, *command], capture_output=True, check=False)
        if done.returncode != 0 or not made.exists():
            fault = done.stderr.decode(errors="replace").strip()[-_FAULT:]
            raise UnreadableVideo(f"ffmpeg cannot cut {span} out of {video}: {fault}")
        made.replace(target)
    return span


def _command(
    video: Path, span: Span, target: Path, track: str, font: Path | None, fps: float
) -> list[str]:
    """What ffmpeg is called with."""
    import ffmpeg

    container, index = open_film(video)
    with container:
        film = next(stream for stream in container.streams.video if stream.index == index)
        high_range = film.codec_context.color_trc in _HIGH_RANGE
        begin = (container.start_time or 0) / 1_000_000
    origin, restarts = timeline(video)
    start = span.start + float(origin)
    # What is shown at the start of the span may have come up earlier.
    early = begin if restarts else max(begin, start - _EARLY)
    seek = {"ss": f"{early:.6f}", "seek_timestamp": 1, "noaccurate_seek": None}
    source = ffmpeg.input(f"file:{video.absolute()}", **INPUT_OPTIONS, **({} if restarts else seek))
    late = f"PTS-{start - early:.6f}/TB"
    parts = [_picture(source[str(index)].filter("setpts", late), span, font, fps, high_range)]
    heard = sound_track(video, track)
    if heard is not None:
        sound = source[f"a:{heard.number - 1}"].filter("asetpts", late).filter("atrim", start=0)
        parts.append(sound.filter("aresample", **{"async": 1, "first_pts": 0}))
    made = ffmpeg.output(
        *parts, f"file:{target}", t=f"{span.duration:.6f}", vcodec="libx264", preset="veryfast",
        crf=20, acodec="aac", ac=2, audio_bitrate="128k", movflags="+faststart", map_metadata=-1,
    )  # fmt: skip
    command: list[str] = made.global_args("-nostdin", "-loglevel", "error").get_args()
    return command


def _picture(picture: Any, span: Span, font: Path | None, fps: float, high_range: bool) -> Any:
    """Square pixels of an ordinary screen, at most 1280 on a side, with the time on request."""
    if high_range:
        picture = picture.filter("zscale", t="linear", npl=203).filter("format", "gbrpf32le")
        picture = picture.filter("zscale", p="bt709").filter("tonemap", "mobius", desat=0)
        picture = picture.filter("zscale", t="bt709", m="bt709", r="tv")
    shrink = f"min(1,{_SIDE}/max(iw*sar,ih))"
    picture = picture.filter("scale", f"trunc(iw*sar*{shrink}/2)*2", f"trunc(ih*{shrink}/2)*2")
    picture = picture.filter("setsar", 1)
    if font is not None:
        picture = picture.filter(
            "drawtext", text=f"%{{pts:hms:{span.start:.6f}}}", fontfile=str(font),
            fontsize="max(16,h/18)", x="w-tw-th/2", y="th/2",
            fontcolor="white", box=1, boxcolor="black@0.6", boxborderw=6,
        )  # fmt: skip
    rate = min(_RATES[1], max(_RATES[0], fps))
    # A frame is shown until the next one comes, not to the nearest tick of the clip.
    picture = picture.filter("fps", fps=f"{rate:.6f}", start_time=0, round="up")
    return picture.filter("format", "yuv420p")


def _font(folder: str) -> Path:
    """The font that Pillow carries, as a file: ffmpeg finds none of its own on many machines."""
    from PIL import ImageFont

    path = Path(folder, "font.ttf")
    path.write_bytes(ImageFont.load_default(16).font_bytes)  # type: ignore[union-attr]
    return path


@cache
def ffmpeg_binary() -> str:
    """The machine's ffmpeg if it writes H.264 and AAC, else that of the package imageio-ffmpeg.

    Raises MissingDependency.
    """
    if importlib.util.find_spec("ffmpeg") is None:
        raise MissingDependency("ffmpeg-python is not installed", hint=_HINT)
    for binary in _binaries():
        called = [binary, "-hide_banner", "-encoders"]
        listed = subprocess.run(called, capture_output=True, check=False).stdout.decode().split()
        if {"libx264", "aac"} <= set(listed):
            return binary
    raise MissingDependency("no ffmpeg that writes H.264 was found", hint=_HINT)


def _binaries() -> Iterator[str]:
    if found := shutil.which("ffmpeg"):
        yield found
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg

        yield os.fspath(imageio_ffmpeg.get_ffmpeg_exe())
