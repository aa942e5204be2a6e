"""The stages that look at pictures: one pass over the frames, captions made as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Collection,
    Generator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from itertools import groupby
from typing import Final, NamedTuple, TypeVar, cast

from videoseal.core.errors import ModelError, ModelRejected, ModelReplyError
from videoseal.core.frames import VideoReader
from videoseal.core.span import Span
from videoseal.indexing.clips import caption_times
from videoseal.indexing.index_rows import Data
from videoseal.indexing.job import IndexingJob
from videoseal.indexing.stages.clip_stats import in_words
from videoseal.indexing.stages.frame_pass import ClipData, ClipScan, ClipScanner, caption_frame
from videoseal.indexing.stages.ocr_lines import OcrReadings
from videoseal.models.types import CaptionRequest, Frame

__all__ = ["FramePassResult", "look", "without_failures"]

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

    A clip whose description cannot be read or is refused is recorded as failed, and asked for again
    by a later run. Raises ModelError for what concerns all clips, or where the first ones all fail;
    every clip and caption kept before it stays.
    """
    layout = job.clips
    scanned = await job.units("scan", job.scan_key)
    captioned = without_failures(await job.units("caption", job.caption_key))
    frames_for: set[int] = set()
    if job.models.captioner.wants_frames:
        frames_for = set(range(len(layout))) - captioned.keys()
    done, captions = sum(layout[ordinal].duration for ordinal in scanned), len(captioned)
    gate = asyncio.Semaphore(_AT_ONCE)
    job.report("scan", done, job.info.duration, "s")

    failures: list[ModelError] = []

    async def caption(ordinal: int, request: CaptionRequest) -> None:
        nonlocal captions
        try:
            reply = await job.models.captioner.caption(request)
            await job.keep("caption", ordinal, job.caption_key, {"text": reply.value})
        except (ModelReplyError, ModelRejected) as error:
            failures.append(error)
            if captions == 0 and len(failures) >= min(_AT_ONCE, len(layout)):
                raise
            failed = {"text": "", "failed": str(error)}
            await job.keep("caption", ordinal, job.caption_key, failed)
            return
        finally:
            gate.release()
        captions += 1
        if frames_for:
            job.report("captions", captions, len(layout), "clips")

    passes = _in_thread(_passes(job, layout, scanned, captioned, frames_for))
    async with _task_group() as tasks, aclosing(passes):
        async for scan in passes:
            if scan.ordinal not in scanned:
                await job.keep("scan", scan.ordinal, job.scan_key, cast(Data, scan.data))
                done += layout[scan.ordinal].duration
                job.report("scan", done, job.info.duration, "s")
            if scan.data["span"] and scan.ordinal not in captioned:
                await gate.acquire()
                request = _caption_request(scan, on_screen=bool(frames_for))
                tasks.create_task(caption(scan.ordinal, request))
    if failures:
        count = f"{len(failures)} of {len(layout)} clips have no description ({failures[-1]})"
        job.warn("captions", f"{count}: index again to ask for them once more")
    return await _stored(job)


def without_failures(captions: Mapping[int, Data]) -> dict[int, Data]:
    """The stored captions but for those that a model did not give."""
    return {ordinal: data for ordinal, data in captions.items() if "failed" not in data}


@asynccontextmanager
async def _task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A group whose first error comes out as what it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


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
        # The difference of place and ordinal is the same for neighbours.
        for _, run in groupby(enumerate(missing), lambda item: item[0] - item[1]):
            yield from scanner.clips([(number, layout[number]) for _, number in run], frames_for)


def _frames(job: IndexingJob, reader: VideoReader, data: ClipData) -> list[Frame]:
    """Caption frames of a clip that an earlier run scanned without captioning it."""
    if not data["span"]:
        return []
    times = caption_times(Span(*data["span"]), job.settings.caption_fps)
    pictures = {picture.time: picture for picture in reader.frames_at(times)}
    return [caption_frame(picture, job.settings) for _, picture in sorted(pictures.items())]


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


def _caption_request(scan: ClipScan, *, on_screen: bool) -> CaptionRequest:
    """What a captioner is asked about one scanned clip.

    Texts `on_screen` are joined to the clip's own text later; only a model that sees pictures is
    helped by them.
    """
    facts = scan.data["facts"]
    texts = [OcrReadings.from_json(part["readings"]).best for part in scan.data["segments"]]
    return CaptionRequest(
        span=Span(*scan.data["span"]),
        frames=scan.frames,
        measured=in_words(facts) if facts else {},
        on_screen=list(dict.fromkeys(texts)) if on_screen else [],
    )
