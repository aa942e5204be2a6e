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
from videoseal.graph.proof.shown_pictures import frame_again
from videoseal.graph.resources import Provider, close_served, served

__all__ = ["app", "build_app"]

_HEADERS: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
"""A ref names one frame of one content for ever."""


def build_app(resources: Provider = served) -> Starlette:
    """The routes beside the graphs, on the same resources."""

    async def frame(request: Request) -> Response:
        """One shown frame as JPEG; 404 for a name that is no frame of an indexed video."""
        video_id, ref = request.path_params["video_id"], request.path_params["ref"]
        try:
            held = await resources()
            jpeg = await asyncio.to_thread(frame_again, video_id, ref, held)
        except VideosealError:
            return PlainTextResponse("the server has no frames", status_code=503)
        if jpeg is None:
            return PlainTextResponse("no such frame", status_code=404)
        return Response(jpeg, media_type="image/jpeg", headers=_HEADERS)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # What is set up wrongly stops the start, with a sentence, and not the first question.
        try:
            await (await resources()).seal_key()
        except VideosealError as error:
            raise RuntimeError(f"cannot serve: {error} {error.hint}".rstrip()) from None
        yield
        await asyncio.to_thread(close_served)

    return Starlette(routes=[Route("/frames/{video_id}/{ref}.jpg", frame)], lifespan=lifespan)


app = build_app()
