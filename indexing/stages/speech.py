"""The stages that listen and read along: subtitles, and speech turned into text."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import NamedTuple

from videoseal.core.errors import UnreadableSubtitles
from videoseal.indexing.fingerprint import fingerprint
from videoseal.indexing.index_rows import Data, TextRow
from videoseal.indexing.job import IndexingJob
from videoseal.indexing.stages.transcribe import Transcriber, said_in, sounds, speech_rows
from videoseal.indexing.subtitles import Subtitles, embedded, read_file, sidecars

__all__ = ["SubtitleFiles", "listen", "subtitle_files"]


class SubtitleFiles(NamedTuple):
    """Where subtitles are taken from."""

    given: Path | None
    """Named by the user: then nothing else is looked at, and it must be readable."""
    found: list[Path]
    """Beside the video."""

    @property
    def key(self) -> str:
        """Changes with the content of any of the files."""
        paths = [self.given] if self.given else self.found
        return fingerprint([[path.name, _digest(path)] for path in paths])


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def subtitle_files(video: Path, given: Path | None) -> SubtitleFiles:
    """The file that the user named, else those beside the video.

    A named file is read here once: better an error now than after an hour of looking at pictures.
    """
    if given:
        read_file(given)
    return SubtitleFiles(given, [] if given else sidecars(video))


async def listen(
    job: IndexingJob, files: SubtitleFiles, transcriber: Transcriber | None, duration: float
) -> list[TextRow]:
    """Rows of kind `speech`, subtitles first.

    Raises UnreadableSubtitles for a file that the user named; others are warned about.
    """
    rows: list[TextRow] = []
    for subtitles in await asyncio.to_thread(_subtitles, job, files):
        rows += subtitles.rows(len(rows), duration)
        dropped = subtitles.dropped
        if dropped:
            job.warn("subtitles", [f"{subtitles.source}: {dropped} unusable lines left out"])
    if transcriber is not None and job.info.has_audio:
        said = await _transcribed(job, transcriber)
        rows += speech_rows(said, transcriber.name, len(rows), duration)
    return rows


def _subtitles(job: IndexingJob, files: SubtitleFiles) -> list[Subtitles]:
    if files.given is not None:
        return [read_file(files.given)]
    found = []
    for path in files.found:
        try:
            found.append(read_file(path))
        except UnreadableSubtitles as error:
            job.warn("subtitles", [f"left out: {error}"])
    return [*found, *embedded(job.info.path)]


async def _transcribed(job: IndexingJob, transcriber: Transcriber) -> list[Data]:
    """Stretch by stretch, each kept as soon as it is done."""
    key = fingerprint("speech-1", transcriber.name)
    known = await job.units("speech", key)
    stretches = sounds(job.info.path)
    ordinal = 0
    while (sound := await asyncio.to_thread(next, stretches, None)) is not None:
        job.say("speech", max(0.0, sound.start), job.info.duration, "s")
        if ordinal not in known:
            said = await asyncio.to_thread(said_in, sound, transcriber)
            known[ordinal] = {"said": said}
            await job.keep("speech", ordinal, key, known[ordinal])
        ordinal += 1
    job.say("speech", job.info.duration, job.info.duration, "s")
    return [entry for number in sorted(known) for entry in known[number]["said"]]
