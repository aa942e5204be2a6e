"""Captions of clips: several requests at once, each kept as soon as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from videoseal.core.span import Span
from videoseal.indexing.stages.clip_stats import in_words
from videoseal.indexing.stages.frame_pass import ClipData
from videoseal.indexing.stages.ocr_lines import OcrReadings
from videoseal.models.roles import Captioner
from videoseal.models.types import CaptionRequest, Frame

__all__ = ["AT_ONCE", "Captions", "caption_request"]

AT_ONCE: Final = 8
"""Requests that an endpoint is sent side by side."""


def caption_request(data: ClipData, frames: Sequence[Frame], *, on_screen: bool) -> CaptionRequest:
    """What a captioner is asked about one scanned clip."""
    facts = data["facts"]
    texts = [OcrReadings.from_json(part["readings"]).best for part in data["segments"]]
    return CaptionRequest(
        span=Span(*data["span"]),
        frames=list(frames),
        measured=in_words(facts) if facts else {},
        on_screen=list(dict.fromkeys(texts)) if on_screen else [],
    )


class Captions:
    """Captions clips in the background; the first error of any of them comes out of `add`.

    `keep` stores a caption by ordinal; what it stored stays, whatever fails later.
    """

    def __init__(self, captioner: Captioner, keep: Callable[[int, str], Awaitable[None]]) -> None:
        self._captioner, self._keep = captioner, keep
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Captions:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            while self._tasks and kind is None:
                await self._settle()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def add(self, ordinal: int, request: CaptionRequest) -> None:
        """Caption a clip as soon as there is room; raises ModelError of an earlier one."""
        while len(self._tasks) >= AT_ONCE:
            await self._settle()
        self._tasks.add(asyncio.create_task(self._caption(ordinal, request)))

    async def _settle(self) -> None:
        done, self._tasks = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _caption(self, ordinal: int, request: CaptionRequest) -> None:
        reply = await self._captioner.caption(request)
        await self._keep(ordinal, reply.value)
