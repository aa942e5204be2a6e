"""The stages that look at pictures: one pass over the frames, captions made as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Iterator,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Final, NamedTuple, TypeVar, cast

from videoseal.core.frames import VideoReader
from videoseal.core.span import Span
from videoseal.indexing.clips import caption_times
from videoseal.indexing.index_rows import Data
from videoseal.indexing.job import IndexingJob
from videoseal.indexing.stages.clip_stats import in_words
from videoseal.indexing.stages.frame_pass import ClipData, ClipScan, ClipScanner
from videoseal.indexing.stages.ocr_lines import OcrReadings
from videoseal.models.roles import Captioner
from videoseal.models.types import CaptionRequest, Frame

__all__ = ["FramePassResult", "look"]

T = TypeVar("T")
_END: Final = None
_AT_ONCE: Final = 8
"""Caption requests that an endpoint is sent side by side."""


class FramePassResult(NamedTuple):
    """What the pictures gave, by ordinal of the clip; clips without frames are left out."""

    clips: dict[int, ClipData]
    captions: dict[int, str]


async def look(job: IndexingJob) -> FramePassResult:
    """Scan and caption what earlier runs have not; each clip is kept as soon as it is done.

    Raises ModelError; every clip and caption kept before it stays.
    """
    layout = job.clips
    scanned = await job.units("scan", job.scan_key)
    captioned = await job.units("caption", job.caption_key)
    frames_for: set[int] = set()
    if job.models.captioner.wants_frames:
        frames_for = set(range(len(layout))) - captioned.keys()
    total, done = job.info.duration, sum(layout[ordinal].duration for ordinal in scanned)
    job.report("scan", done, total, "s")
    captions = 0

    async def keep_caption(ordinal: int, text: str) -> None:
        nonlocal captions
        await job.keep("caption", ordinal, job.caption_key, {"text": text})
        captions += 1
        if frames_for:
            job.report("captions", len(captioned) + captions, len(layout), "clips")

    passes = _in_thread(_passes(job, layout, scanned, captioned, frames_for))
    async with _Captions(job.models.captioner, keep_caption) as queue, aclosing(passes):
        async for scan in passes:
            if scan.ordinal not in scanned:
                await job.keep("scan", scan.ordinal, job.scan_key, cast(Data, scan.data))
                done += layout[scan.ordinal].duration
                job.report("scan", done, total, "s")
            if scan.data["span"] and scan.ordinal not in captioned:
                # Texts on the screen are joined to the clip's own text later; only a model that
                # sees pictures is helped by them.
                request = _caption_request(scan.data, scan.frames, on_screen=bool(frames_for))
                await queue.add(scan.ordinal, request)
    return await _stored(job)


async def _stored(job: IndexingJob) -> FramePassResult:
    """Read everything back, so that a resumed run works on the very same values."""
    scans = await job.units("scan", job.scan_key)
    captions = await job.units("caption", job.caption_key)
    clips = {number: cast(ClipData, data) for number, data in scans.items() if data["span"]}
    return FramePassResult(clips, {number: str(data["text"]) for number, data in captions.items()})


def _passes(
    job: IndexingJob,
    layout: Sequence[Span],
    scanned: dict[int, Data],
    captioned: Collection[int],
    frames_for: Collection[int],
) -> Generator[ClipScan, None, None]:
    """Clips that miss only their caption, then those that were never scanned."""
    missing = [ordinal for ordinal in range(len(layout)) if ordinal not in scanned]
    bare = [ordinal for ordinal in scanned if ordinal not in captioned]
    if not missing and not bare:
        return
    with VideoReader(job.info.path) as reader:
        for ordinal in bare:
            data = cast(ClipData, scanned[ordinal])
            frames = _frames(job, reader, data) if ordinal in frames_for else []
            yield ClipScan(ordinal, data, frames)
        scanner = ClipScanner(reader, job.settings, job.text)
        for run in _runs(missing):
            yield from scanner.clips([(number, layout[number]) for number in run], frames_for)


def _frames(job: IndexingJob, reader: VideoReader, data: ClipData) -> list[Frame]:
    """Caption frames of a clip that an earlier run scanned without captioning it."""
    if not data["span"]:
        return []
    times = caption_times(Span(*data["span"]), job.settings.caption_fps)
    pictures = {picture.time: picture for picture in reader.frames_at(times)}
    side, quality = job.settings.frame_side, job.settings.jpeg_quality
    return [Frame(time, pictures[time].jpeg(side, quality)) for time in sorted(pictures)]


def _runs(ordinals: Sequence[int]) -> Iterator[list[int]]:
    """Split into stretches of neighbours."""
    run: list[int] = []
    for ordinal in ordinals:
        if run and ordinal != run[-1] + 1:
            yield run
            run = []
        run.append(ordinal)
    if run:
        yield run


async def _in_thread(items: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """Run a generator in one thread of its own, and close it there."""
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="decode")
    try:
        while (item := await loop.run_in_executor(thread, next, items, _END)) is not None:
            yield item
    finally:
        thread.submit(items.close)
        await asyncio.to_thread(thread.shutdown)


def _caption_request(data: ClipData, frames: Sequence[Frame], *, on_screen: bool) -> CaptionRequest:
    """What a captioner is asked about one scanned clip."""
    facts = data["facts"]
    texts = [OcrReadings.from_json(part["readings"]).best for part in data["segments"]]
    return CaptionRequest(
        span=Span(*data["span"]),
        frames=list(frames),
        measured=in_words(facts) if facts else {},
        on_screen=list(dict.fromkeys(texts)) if on_screen else [],
    )


class _Captions:
    """Captions clips in the background; the first error of any of them comes out of `add`.

    `keep` stores a caption by ordinal; what it stored stays, whatever fails later.
    """

    def __init__(self, captioner: Captioner, keep: Callable[[int, str], Awaitable[None]]) -> None:
        self._captioner, self._keep = captioner, keep
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> _Captions:
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
        while len(self._tasks) >= _AT_ONCE:
            await self._settle()
        self._tasks.add(asyncio.create_task(self._caption(ordinal, request)))

    async def _settle(self) -> None:
        done, self._tasks = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _caption(self, ordinal: int, request: CaptionRequest) -> None:
        reply = await self._captioner.caption(request)
        await self._keep(ordinal, reply.value)
