"""Frames by name for whoever shows an answer: `GET /frames/{video_id}/{ref}.jpg`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from videoseal.core.errors import VideosealError
from videoseal.graph.resources import close_served, resources_of_run
from videoseal.tools.frame_cache import find_frame

__all__ = ["app", "frame"]

_HEADERS: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
"""A ref names one frame of one content for ever."""


async def frame(request: Request) -> Response:
    """One shown frame as JPEG; 404 for a name that is no frame, or one no longer cached."""
    video_id, ref = request.path_params["video_id"], request.path_params["ref"]
    try:
        cache = (await resources_of_run()).cache
        jpeg = await asyncio.to_thread(find_frame, cache, video_id, ref)
    except VideosealError:
        return PlainTextResponse("the server has no frames", status_code=503)
    if jpeg is None:
        return PlainTextResponse("no such frame", status_code=404)
    return Response(jpeg, media_type="image/jpeg", headers=_HEADERS)


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    yield
    await asyncio.to_thread(close_served)


app = Starlette(routes=[Route("/frames/{video_id}/{ref}.jpg", frame)], lifespan=_lifespan)
