"""From a video file to a complete index, by stages that each pick up where a killed run stopped."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from videoseal.core.errors import OutOfSpace, UnknownVideo, UnreadableVideo
from videoseal.core.progress import ProgressFn, silent
from videoseal.core.provenance import fingerprint
from videoseal.core.settings import Settings
from videoseal.core.span import Span, format_time
from videoseal.core.video import VideoInfo, content_id, probe
from videoseal.indexing.clips import scene_spans
from videoseal.indexing.index_rows import TextKind, TextRow, VideoRow
from videoseal.indexing.job import SCAN_VERSION, IndexingJob
from videoseal.indexing.merge import clip_rows, cue_rows, scene_rows
from videoseal.indexing.stages.embeddings import embed_texts
from videoseal.indexing.stages.speech import listen, load_transcriber
from videoseal.indexing.stages.summary import summarise
from videoseal.indexing.stages.text_segments import join_segments
from videoseal.indexing.stages.vision import FramePassResult, look, without_failures
from videoseal.indexing.store.store import Store
from videoseal.indexing.subtitles.subtitle_files import SubtitleFiles
from videoseal.models.ocr.reader import load_text_reader
from videoseal.models.roles import Models

__all__ = ["INDEX_VERSION", "index_video"]

_MERGE_VERSION: Final = "merge-2"
"""Raised with every change of how rows are made from what the stages stored."""
INDEX_VERSION: Final = f"{SCAN_VERSION}+{_MERGE_VERSION}"
"""Raised with every change that makes another index of the same video."""
_MISSED_SAMPLES: Final = 1.2
_CUT_SHORT: Final = 1.0
_NOTICED: Final = 0.5
_NOTICED_UNREAD: Final = 3
_MUCH: Final = 0.2


async def index_video(
    path: Path | str,
    settings: Settings,
    store: Store,
    models: Models,
    *,
    title: str | None = None,
    subtitles: Path | None = None,
    re_embed: bool = False,
    on_progress: ProgressFn = silent,
) -> VideoRow:
    """Index a video file, or finish what was begun; a complete index costs nothing more.

    `subtitles` names a file to use instead of those found beside or inside the video, `re_embed`
    makes all vectors anew. Raises VideoError, VideoBusy, ModelError, UnreadableSubtitles,
    MissingDependency, OutOfSpace; what was stored before an error stays and is not done again.
    """
    with _out_of_space():
        job = await asyncio.to_thread(
            _prepared, Path(path), settings, store, models, subtitles, on_progress
        )
        key = _index_key(job)
        name = await asyncio.to_thread(_title, job, title)
        async with _locked(job):
            row = await _recorded(job, job.info, name, key)
            if row.status == "ready" and not re_embed and not await _captions_failed(job):
                return row
            if settings.ocr and job.text is None:
                job.warn("scan", "on-screen text is not read: the ocr extra is not installed")
            if job.info.lead >= _NOTICED:
                late = f"the picture begins {job.info.lead:.1f} s after the sound"
                job.warn("scan", f"{late}: players show times that are so much later")
            duration = await _make_texts(job)
            if duration < job.info.duration:
                await _recorded(job, replace(job.info, duration=duration), name, key)
            await embed_texts(job, again=re_embed)
            await asyncio.to_thread(store.set_status, job.video_id, "ready")
            return await asyncio.to_thread(store.video, job.video_id)


def _prepared(
    path: Path,
    settings: Settings,
    store: Store,
    models: Models,
    subtitles: Path | None,
    on_progress: ProgressFn,
) -> IndexingJob:
    """Everything that can fail before the first frame: files, extras, weights."""
    return IndexingJob(
        info=probe(path),
        subtitles=SubtitleFiles.of(path, subtitles),
        transcriber=load_transcriber(settings),
        text=load_text_reader(settings),
        video_id=content_id(path),
        settings=settings,
        store=store,
        models=models,
        on_progress=on_progress,
    )


@asynccontextmanager
async def _locked(job: IndexingJob) -> AsyncIterator[None]:
    """Hold the lock without waiting for the database in the event loop."""
    lock = job.store.indexing_lock(job.video_id)
    await asyncio.to_thread(lock.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(lock.__exit__, None, None, None)


async def _recorded(job: IndexingJob, info: VideoInfo, title: str, key: str) -> VideoRow:
    return await asyncio.to_thread(
        job.store.add_video, job.video_id, info, title=title, fingerprint=key
    )


@contextmanager
def _out_of_space() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OutOfSpace("the disk is full; what was indexed so far is kept") from error


async def _captions_failed(job: IndexingJob) -> bool:
    captions = await asyncio.to_thread(job.store.units, job.video_id, "caption", job.caption_key)
    return len(without_failures(captions)) < len(captions)


def _index_key(job: IndexingJob) -> str:
    """Changes with anything that would make another index of the same video."""
    return fingerprint(
        _MERGE_VERSION,
        job.scan_key,
        job.caption_key,
        job.subtitles.key,
        _heard(job),
        job.models.summariser.name,
        job.models.embedder.name,
    )


def _heard(job: IndexingJob) -> str:
    track = job.settings.audio_track
    return "" if job.transcriber is None else job.transcriber.name + (track and f", track {track}")


def _title(job: IndexingJob, given: str | None) -> str:
    """The title that is given, else the one that the video had before, else the file's name."""
    try:
        return given or job.store.video(job.video_id).title
    except UnknownVideo:
        return job.info.path.stem


async def _make_texts(job: IndexingJob) -> float:
    """Run every stage but embedding; returns where the video really ends, in seconds."""
    looked = await look(job)
    if not looked.clips:
        raise UnreadableVideo(f"no frame of {job.info.path} can be decoded")
    duration = _real_end(job, looked)
    _tell_unread(job, looked)
    speech = await listen(job, duration)
    rows = _merged(job, looked, speech, duration)
    rows["story"] = await summarise(job, rows["clip"])
    for kind, made in rows.items():
        await asyncio.to_thread(job.store.replace_texts, job.video_id, kind, made)
    return duration


def _real_end(job: IndexingJob, looked: FramePassResult) -> float:
    """Where the frames end; a file that was cut short is warned about."""
    end = max(data["span"][1] for data in looked.clips.values())
    if end + _CUT_SHORT >= job.info.duration:
        end = job.info.duration
    if job.info.promised or end < job.info.duration:
        promised = format_time(max(job.info.promised, job.info.duration))
        job.warn("scan", f"the file is cut short: it ends at {format_time(end)}, not at {promised}")
    return end


def _tell_unread(job: IndexingJob, looked: FramePassResult) -> None:
    """Warn where much of the text on the screen is in a script that the reader does not know."""
    found = sum(data["with_text"] for data in looked.clips.values())
    unread = sum(data["unread"] for data in looked.clips.values())
    if job.text and unread >= _NOTICED_UNREAD and unread >= _MUCH * found:
        known = ", ".join(job.text.scripts)
        job.warn(
            "scan",
            f"{unread} of {found} pictures with text show some that is not read: {job.text.name} "
            f"reads {known}; VIDEOSEAL_OCR_MODEL_DIR names a model of another script",
        )


def _merged(
    job: IndexingJob, looked: FramePassResult, speech: list[TextRow], duration: float
) -> dict[TextKind, list[TextRow]]:
    """All rows but the summary's, as a pure function of what is stored."""
    cues = join_segments(
        {ordinal: data["segments"] for ordinal, data in looked.clips.items()},
        gap=_MISSED_SAMPLES / job.settings.ocr_fps,
        longest_counter=job.settings.clip_seconds,
    )
    spans = {ordinal: Span(*data["span"]) for ordinal, data in looked.clips.items()}
    cuts = [cut for data in looked.clips.values() if data["facts"] for cut in data["facts"]["cuts"]]
    scenes = scene_spans(cuts, duration, [span.start for span in spans.values()])
    captioner = job.models.captioner.name
    return {
        "ocr": cue_rows(cues, job.reader_name),
        "speech": speech,
        "clip": clip_rows(spans, looked.captions, cues, speech, captioner),
        "scene": scene_rows(scenes, spans, looked.captions, cues, speech, captioner),
    }
