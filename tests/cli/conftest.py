"""One short video with two signs, indexed once by the real commands."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import psycopg
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw, ImageFont
from pydantic import SecretStr

from videoseal.cli.main import app
from videoseal.core.settings import REFERENCE_NAMES, Settings
from videoseal.indexing.postgres.server import EmbeddedServer
from videoseal.indexing.store.store import Store

SIGNS = {(4.0, 7.0): "HARBOUR GATE\n4127", (15.0, 18.0): "BAKERY\nOPENS 6:45"}
SECONDS, FPS, SIZE = 24, 8, (640, 360)


def draw_video(path: Path) -> Path:
    """Plain grounds on which each sign is up for three seconds."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(SECONDS * FPS):
            frame = av.VideoFrame.from_image(_picture(number / FPS))
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _picture(time: float) -> Image.Image:
    ground = [(60, 90, 140), (70, 120, 80), (120, 80, 70)][int(time // 8) % 3]
    picture = Image.new("RGB", SIZE, ground)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((40 + 8 * time, 280, 100 + 8 * time, 340), fill=(230, 200, 60))
    for (start, end), text in SIGNS.items():
        if start <= time < end:
            pen.rectangle((180, 90, 460, 210), fill=(250, 250, 250))
            pen.multiline_text((200, 105), text, fill=(0, 0, 0), font=ImageFont.load_default(34))
    return picture


class Place:
    """Where the commands of a test work: a data folder and a database."""

    def __init__(self, data_dir: Path, url: str) -> None:
        self.data_dir = data_dir
        self.url = url

    @property
    def options(self) -> list[str]:
        """The options that go before the command."""
        return ["--data-dir", str(self.data_dir), "--database-url", self.url]

    def run(self, *arguments: object, **extra: Any) -> Result:
        """Run a command in this process; `extra` goes to CliRunner."""
        given = [*self.options, *map(str, arguments)]
        extra["env"] = {**dict.fromkeys(foreign_settings()), **extra.get("env", {})}
        return CliRunner().invoke(app, given, prog_name="videoseal", **extra)

    def settings(self, **more: Any) -> Settings:
        """The settings that the commands come to."""
        return Settings(data_dir=self.data_dir, database_url=SecretStr(self.url), **more)

    def store(self) -> Store:
        """The index itself, to look behind the commands."""
        return Store.connect(self.settings())


def foreign_settings() -> list[str]:
    """Variables of the developer's shell that would reach a command."""
    ours = ("VIDEOSEAL_", "DATABASE_URL", *REFERENCE_NAMES)
    return [name for name in os.environ if name.startswith(ours)]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `.env` of the developer reaches a test, and lines break at one width."""
    for name in foreign_settings():
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def signs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The video file."""
    return draw_video(tmp_path_factory.mktemp("signs") / "signs.mp4")


@pytest.fixture(scope="session")
def indexed(
    postgres: EmbeddedServer, signs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A place where the video is indexed; tests must leave it so."""
    folder = tmp_path_factory.mktemp("indexed")
    with _database(postgres, "cli_signs") as url, contextlib.chdir(folder):
        place = Place(folder / "data", url)
        done = place.run("index", signs)
        assert done.exit_code == 0, done.stderr
        yield place


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Place:
    """A place where nothing is indexed."""
    return Place(tmp_path / "data", database_url)


@contextlib.contextmanager
def _database(server: EmbeddedServer, name: str) -> Iterator[str]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy")
    yield server.url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
