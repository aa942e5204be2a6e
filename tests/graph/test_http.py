"""The route of frames."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from videoseal.core.errors import DatabaseUnavailable, UnknownVideo
from videoseal.core.settings import Settings
from videoseal.graph.http import build_app
from videoseal.graph.resources import Resources, holding
from videoseal.models.types import Frame
from videoseal.tools.frame_cache import FrameCache, find_frame, frame_ref

VIDEO = "v0123456789abcdef"
JPEG = b"\xff\xd8 a picture \xff\xd9"


@pytest.fixture
def cache(tmp_path: Path) -> FrameCache:
    """A cache with one frame at 62.345678 seconds, and a file outside of it."""
    cache = FrameCache(tmp_path / "frames", 10)
    cache.put(VIDEO, 62.345678, Frame(62.345678, JPEG), side=1280, quality=85)
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    return cache


class NoStore:
    """An index without the video."""

    def video(self, name: str) -> Any:
        raise UnknownVideo(f"no video {name}")


@pytest.fixture
def get(cache: FrameCache) -> Callable[[str], Awaitable[httpx.Response]]:
    """One request to the routes on that cache, without a socket."""
    held = Resources(Settings(), cast(Any, NoStore()), cast(Any, None), cache)

    async def one(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=build_app(holding(held)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path)

    return one


def test_a_recorded_name_finds_its_frame(cache: FrameCache) -> None:
    """The name in the ledger is the name under which the frame is kept."""
    ref = frame_ref(62.345678, Settings())
    assert ref == "62345678-1280-85"
    assert find_frame(cache, VIDEO, ref) == JPEG


async def test_a_shown_frame_is_served(get: Any) -> None:
    """JPEG bytes that a browser may keep: a name never means another picture."""
    reply = await get(f"/frames/{VIDEO}/62345678-1280-85.jpg")
    assert (reply.status_code, reply.content) == (200, JPEG)
    assert reply.headers["content-type"] == "image/jpeg"
    assert "immutable" in reply.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        f"/frames/{VIDEO}/62345679-1280-85.jpg",
        f"/frames/{VIDEO}/62345678-640-85.jpg",
        f"/frames/{VIDEO}/secret.jpg",
        f"/frames/{VIDEO}/..%2F..%2Fsecret.jpg",
        "/frames/../secret.jpg",
        "/frames/..%2F..%2F/secret.jpg",
        "/frames/%2Fetc/62345678-1280-85.jpg",
        "/frames/v0123/62345678-1280-85.jpg",
        f"/frames/{VIDEO}/-62345678-1280-85.jpg",
        f"/frames/{VIDEO}/6２345678-1280-85.jpg",
        f"/frames/{VIDEO}/{'9' * 400}-1280-85.jpg",
        f"/frames/{VIDEO}/%00.jpg",
        "/frames/",
    ],
)
async def test_anything_else_is_not_found(get: Any, path: str) -> None:
    """Names are numbers and ids; nothing in them reaches the file system as a path."""
    assert (await get(path)).status_code == 404


async def test_what_is_set_up_wrongly_stops_the_start() -> None:
    """The operator reads one sentence, before any user asks."""

    async def broken() -> Resources:
        raise DatabaseUnavailable("the database is away", hint="start it")

    app = build_app(broken)
    with pytest.raises(RuntimeError, match=r"cannot serve: the database is away start it"):
        async with app.router.lifespan_context(app):
            pass
