"""Test videos with text whose first and last frames are known, and models that cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import psycopg
import pytest
from PIL import Image, ImageDraw, ImageFont

from videoseal.indexing.postgres.server import EmbeddedServer
from videoseal.models.local_embedder import HashEmbedder
from videoseal.models.offline.captioner import ExtractSummariser, TemplateCaptioner

FPS = 12


@dataclass(frozen=True)
class Sign:
    """White text with a dark edge, on the screen from frame `first` to before frame `last`."""

    text: str
    first: int
    last: int
    at: tuple[int, int] = (60, 300)
    size: int = 26

    @property
    def span(self) -> tuple[float, float]:
        return self.first / FPS, self.last / FPS


@dataclass(frozen=True)
class Film:
    """How a test video is made; `write` makes it."""

    signs: Sequence[Sign] = ()
    frames: int = 96
    cuts: Sequence[int] = ()
    moving: bool = True
    times: Sequence[float] | None = None
    sound: float = 0.0
    """Seconds of a tone."""

    def write(self, path: Path) -> Path:
        ground = np.random.default_rng(3).integers(0, 255, (18, 64, 3), dtype=np.uint8)
        once = np.asarray(Image.fromarray(ground).resize((640, 360), Image.Resampling.BICUBIC))
        wide = np.concatenate([once, once[:, ::-1], once], axis=1)
        times = self.times or [index / FPS for index in range(self.frames)]
        with av.open(str(path), "w") as output:
            stream = output.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
            stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
            stream.codec_context.time_base = Fraction(1, 90_000)
            if self.sound:
                write_tone(output, self.sound)
            for index, time in enumerate(times):
                image = Image.fromarray(self._ground(wide, index))
                self._sign(ImageDraw.Draw(image), index)
                frame = av.VideoFrame.from_image(image)
                frame.pts, frame.time_base = round(time * 90_000), Fraction(1, 90_000)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path

    def _ground(self, wide: np.ndarray, index: int) -> np.ndarray:
        left = index * 3 % 1280 if self.moving else 0
        scene = sum(index >= cut for cut in self.cuts)
        part = np.ascontiguousarray(np.roll(wide[:, left : left + 640], scene, axis=2))
        return 255 - part if scene % 2 else part

    def _sign(self, draw: ImageDraw.ImageDraw, index: int) -> None:
        for sign in self.signs:
            if sign.first <= index < sign.last:
                font = ImageFont.load_default(sign.size)
                edge = {"fill": "white", "stroke_width": 2, "stroke_fill": "black"}
                draw.text(sign.at, sign.text, font=font, **edge)


def write_tone(output: av.container.OutputContainer, seconds: float) -> None:
    rate = 16_000
    stream = output.add_stream("aac", rate=rate)
    wave = np.sin(np.arange(int(seconds * rate)) * 0.2).astype(np.float32)[None]
    for at in range(0, wave.shape[1], 1024):
        part = np.ascontiguousarray(wave[:, at : at + 1024])
        frame = av.AudioFrame.from_ndarray(part, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


SIGNS = (
    Sign("Meet me at the harbour", 5, 40),
    Sign("Bring the blue lamp", 40, 61),
    Sign("Gate 3 is open", 70, 130, at=(60, 150)),
    Sign("Gate 4 is open", 130, 171, at=(60, 150)),
    Sign("Seven keys under the bridge", 180, 300),
    Sign("EXIT 42", 100, 330, at=(480, 40)),
    Sign("Nobody came at noon", 333, 399),
    *(Sign(f"00:00:{n:02d}", 12 * n, 12 * n + 12, at=(20, 10), size=20) for n in range(35)),
)
"""Subtitles that follow each other at once, a pair that differs in one digit, and a clock."""


@pytest.fixture
def film() -> type[Film]:
    """Describes a test video."""
    return Film


@pytest.fixture
def sign() -> type[Sign]:
    """Describes a text in a test video."""
    return Sign


@pytest.fixture(scope="session")
def signs() -> tuple[Sign, ...]:
    """What is on the screen in the signed video, but for its clock."""
    return tuple(sign for sign in SIGNS if ":" not in sign.text)


@pytest.fixture(scope="session")
def signed_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """35 s of text over a moving background with two cuts, in clips of 16 and 19 s."""
    film = Film(SIGNS, frames=420, cuts=(90, 260))
    return film.write(tmp_path_factory.mktemp("films") / "signed.mp4")


@pytest.fixture
def models() -> Any:
    """The roles that indexing uses, offline and quick."""
    return make_models()


@pytest.fixture
def make() -> Callable[..., Any]:
    """Makes the roles with some of them replaced."""
    return make_models


def make_models(**roles: Any) -> Any:
    defaults = {
        "captioner": TemplateCaptioner(),
        "embedder": HashEmbedder(),
        "summariser": ExtractSummariser(),
    }
    return SimpleNamespace(**{**defaults, **roles})


@pytest.fixture
def second_database(postgres: EmbeddedServer) -> Iterator[Callable[[], str]]:
    """Makes the address of one more empty database."""
    name = "second_opinion"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

        def create() -> str:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy")
            return postgres.url.replace("/postgres?", f"/{name}?")

        yield create
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
