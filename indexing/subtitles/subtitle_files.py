"""Where the subtitles of a video are taken from, and what comes of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.errors import UnreadableSubtitles
from videoseal.core.provenance import fingerprint
from videoseal.core.video import VideoInfo
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.subtitles.cues import CueFault, ParsedCues, SubtitleLine, usable
from videoseal.indexing.subtitles.encodings import decode, language_of
from videoseal.indexing.subtitles.line_forms import read_line_form
from videoseal.indexing.subtitles.marked_up import is_sami, is_ttml, read_sami, read_ttml
from videoseal.indexing.subtitles.streams import read_other, text_streams
from videoseal.indexing.subtitles.substation import is_script, read_script
from videoseal.indexing.subtitles.timed_text import has_timings, read_timed_text

__all__ = ["SubtitleFiles", "Subtitles", "embedded", "read_file", "sidecars", "to_srt"]

_VERSION: Final = "subtitles-2"
"""Raised with every change of what is read from the same bytes."""
_SUFFIXES: Final = frozenset(
    ".srt .vtt .ass .ssa .sub .sbv .ttml .dfxp .itt .smi .sami .lrc .mpl .mpl2".split()  # noqa: SIM905
)
_BESIDE: Final = re.compile(
    r"(?:\.(?:[A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4}){0,2}|[A-Za-z]{5,10}))?(?:\.(?:sdh|forced|cc|hi))?"
)
_TOLD: Final = 3
"""So many of the cues that were lost are told by line."""


class Subtitles(NamedTuple):
    """The usable lines of one source, in order of time."""

    source: str
    """File name, or `stream 2`."""
    language: str
    """As named by the file or stream; empty when it is not."""
    lines: list[SubtitleLine]
    faults: list[CueFault]
    """Cues that were lost or came out damaged."""

    @property
    def warning(self) -> str:
        """One line about the faults; empty when there are none."""
        if not self.faults:
            return ""
        where = "packet" if self.source.startswith("stream ") else "line"
        told = [f"{where} {fault.place} {fault.what}" for fault in self.faults[:_TOLD]]
        more = "" if len(self.faults) <= _TOLD else "; ..."
        count = "1 cue" if len(self.faults) == 1 else f"{len(self.faults)} cues"
        return f"{self.source}: {count} lost or damaged: {'; '.join(told)}{more}"


class SubtitleFiles(NamedTuple):
    """Where the subtitles of a video are taken from."""

    given: Path | None
    """Named by the user: then nothing else is looked at, and it must be readable."""
    found: list[Path]
    """Beside the video."""

    @classmethod
    def of(cls, video: Path, given: Path | None) -> SubtitleFiles:
        """The file that the user named, else those beside the video.

        A named file is read here once: better an error now than after an hour of looking at
        pictures.
        """
        if given:
            read_file(given)
        return cls(given, [] if given else sidecars(video))

    @property
    def key(self) -> str:
        """Changes with the content of any of the files, and with how they are read.

        Where there is none, it is what it always was: such a video is not indexed again.
        """
        paths = [self.given] if self.given else self.found
        read = [_VERSION] if paths else []
        return fingerprint(*read, [[path.name, _digest(path)] for path in paths])

    def read(self, video: VideoInfo, warn: Callable[[str], None]) -> list[Subtitles]:
        """What the files hold and, where none was named, what the video itself does.

        Files beside a video follow the clock of the whole file, as players show it; where that
        runs before the first frame, their times are moved. Raises UnreadableSubtitles for the
        file that was named; others are warned about.
        """
        if self.given is not None:
            return [read_file(self.given, video.fps, video.lead)]
        read = []
        for path in self.found:
            try:
                read.append(read_file(path, video.fps, video.lead))
            except UnreadableSubtitles as error:
                warn(f"left out: {error}")
        return [*read, *embedded(video.path)]


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def sidecars(video: Path) -> list[Path]:
    """Subtitle files beside a video: the same stem, perhaps with a language (`film.en.srt`)."""
    try:
        names = sorted(video.parent.iterdir())
    except OSError:
        return []
    return [
        path
        for path in names
        if path.suffix.lower() in _SUFFIXES
        and path.stem.startswith(video.stem)
        and _BESIDE.fullmatch(path.stem[len(video.stem) :])
        and path.is_file()
    ]


def read_file(path: Path, fps: float | None = None, lead: float = 0.0) -> Subtitles:
    """Read a subtitle file of any form and encoding.

    `fps` is the video's, for files that count frames, `lead` the seconds on the file's clock
    before its first frame. Raises UnreadableSubtitles naming file and
    line when there is not one usable cue.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableSubtitles(f"cannot read {path}: {error.strerror}") from None
    language = language_of(path.stem)
    text = decode(raw, language)
    if text is None:
        raise UnreadableSubtitles(f"{path}: not a text file")
    parsed = _parse(re.sub(r"\r*\n|\r", "\n", text), fps)
    lines, faults = usable(parsed, shift=-lead)
    if not lines:
        first = faults[0] if faults else CueFault(1, "no subtitle in the whole file")
        raise UnreadableSubtitles(f"{path}: line {first.place}: {first.what}")
    return Subtitles(path.name, language, lines, faults)


def _parse(text: str, fps: float | None) -> ParsedCues:
    """The cues of a text in whatever form it is."""
    head = text[:2000]
    if is_ttml(head):
        return read_ttml(text)
    if is_sami(head):
        return read_sami(text)
    if is_script(head):
        return read_script(text)
    if has_timings(text):
        return read_timed_text(text)
    return read_line_form(text, fps) or read_other(text) or read_timed_text(text)


def embedded(video: Path) -> list[Subtitles]:
    """The text subtitle streams of a video; [] when it has none."""
    return [
        Subtitles(stream.name, stream.language, *usable(stream.parsed))
        for stream in text_streams(video)
    ]


def to_srt(rows: Iterable[TextRow]) -> str:
    """Rows of any kind as a SubRip file, in order of time."""
    blocks = []
    for number, row in enumerate(sorted(rows, key=lambda row: row.span), start=1):
        text = "\n".join(line for line in row.text.splitlines() if line.strip())
        blocks.append(f"{number}\n{_stamp(row.span.start)} --> {_stamp(row.span.end)}\n{text}\n")
    return "\n".join(blocks)


def _stamp(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{rest:03d}"
