"""Subtitles as files beside a video, as streams inside it, and written out again as .srt."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import av
import pysubs2
from charset_normalizer import from_bytes
from pysubs2.exceptions import Pysubs2Error

from videoseal.core.errors import UnreadableSubtitles
from videoseal.core.provenance import fingerprint
from videoseal.core.span import Span
from videoseal.core.video import start_seconds
from videoseal.indexing.index_rows import TextRow

__all__ = [
    "SubtitleFiles",
    "SubtitleLine",
    "Subtitles",
    "embedded",
    "parse",
    "read_file",
    "sidecars",
    "to_srt",
]

_SUFFIXES: Final = (".srt", ".vtt", ".ass", ".ssa")
_LANGUAGE: Final = re.compile(
    r"(?:\.([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?))?(?:\.(?:sdh|forced|cc))?\Z"
)
_TEXT_CODECS: Final = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"})
_ENCODINGS: Final = {
    "zh": ("gb18030", "big5"),
    "ja": ("cp932",),
    "ko": ("cp949",),
}
"""What a language in the file's name says where the bytes are no UTF-8."""
_MISTAKEN_FOR_1252: Final = frozenset(
    {"cp1250", "cp1254", "cp1257", "latin_1", "iso8859_2", "iso8859_15", "iso8859_16", "mac_latin2"}
)
_NO_WESTERN_TEXT: Final = re.compile(
    "[\u00a2-\u00a6\u00ac\u00af\u00b1-\u00b6\u00b8\u00b9\u00bc-\u00be\ufffd]"
)
_CLOCK: Final = r"(?:\d+:)?\d{1,2}:\d{1,2}[.,]\d{1,3}"
_TIMING: Final = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?")
_DIALOGUE: Final = re.compile(r"Dialogue:[^,]*,\s*\d+:\d\d:\d\d[.:]\d+,\s*\d+:\d\d:\d\d[.:]\d+,.*")
_TAG: Final = re.compile(r"<[^<>]{1,80}>|\{\\[^{}]{0,200}\}")


class SubtitleLine(NamedTuple):
    """One subtitle."""

    span: Span
    text: str


class Subtitles(NamedTuple):
    """The usable lines of one source, in order of time."""

    source: str
    """File name, or `stream 2`."""
    language: str
    """As named by the file or stream; empty when it is not."""
    lines: list[SubtitleLine]
    dropped: int
    """Lines without text, or that end before they start or begin after the video."""


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
        """Changes with the content of any of the files."""
        paths = [self.given] if self.given else self.found
        return fingerprint([[path.name, _digest(path)] for path in paths])

    def read(self, video: Path, warn: Callable[[str], None]) -> list[Subtitles]:
        """What the files hold and, where none was named, what the video itself does.

        Raises UnreadableSubtitles for the file that was named; others are warned about.
        """
        if self.given is not None:
            return [read_file(self.given)]
        read = []
        for path in self.found:
            try:
                read.append(read_file(path))
            except UnreadableSubtitles as error:
                warn(f"left out: {error}")
        return [*read, *embedded(video)]


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
        and _LANGUAGE.fullmatch(path.stem[len(video.stem) :])
        and path.is_file()
    ]


def read_file(path: Path) -> Subtitles:
    """Read .srt, .vtt or .ass in any encoding; raises UnreadableSubtitles naming file and line."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableSubtitles(f"cannot read {path}: {error.strerror}") from None
    match = _LANGUAGE.search(path.stem)
    language = (match and match[1]) or ""
    return parse(_decode(raw, path, language), path, language=language)


def _decode(raw: bytes, path: Path, language: str) -> str:
    for encoding in ("utf-8-sig", *_ENCODINGS.get(language[:2].lower(), ())):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    if b"\0" in raw and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableSubtitles(f"{path}: not a text file")
    guess = from_bytes(raw).best()
    if guess is None or guess.encoding in _MISTAKEN_FOR_1252:
        # Statistics on so little text cannot tell the Latin code pages apart; signs can.
        western = raw.decode("cp1252", "replace")
        if guess is None or not _NO_WESTERN_TEXT.search(western):
            return western
    return str(guess)


def parse(text: str, path: Path, *, language: str = "") -> Subtitles:
    """Parse the content of a subtitle file; `path` names its format and the file in errors."""
    _check_timings(text, path)
    try:
        parsed = pysubs2.SSAFile.from_string(text)
    except (Pysubs2Error, ValueError) as error:
        raise UnreadableSubtitles(f"{path}: line 1: no subtitle format ({error})") from None
    events = [event for event in parsed if not event.is_comment and not event.is_drawing]
    if not events:
        raise UnreadableSubtitles(f"{path}: line 1: no subtitle in the whole file")
    lines = [
        SubtitleLine(Span(event.start / 1000, event.end / 1000), said)
        for event in events
        if (said := _plain(event.plaintext)) and event.end > event.start >= 0
    ]
    lines.sort()
    return Subtitles(path.name, language, lines, len(events) - len(lines))


def _check_timings(text: str, path: Path) -> None:
    """The parser steps over lines that it cannot read; a lost cue must not go unnoticed."""
    is_script = path.suffix.lower() in (".ass", ".ssa")
    for number, line in enumerate(text.splitlines(), start=1):
        bad = (
            line.startswith("Dialogue:") and not _DIALOGUE.fullmatch(line)
            if is_script
            else "-->" in line and not _TIMING.fullmatch(line)
        )
        if bad:
            raise UnreadableSubtitles(f"{path}: line {number}: cannot read {line.strip()!r:.80}")


def _plain(text: str) -> str:
    return " ".join(_TAG.sub("", text).replace("\\N", " ").split())


def embedded(video: Path) -> list[Subtitles]:
    """The text subtitle streams of a video, by one pass over its packets; [] when it has none."""
    found: list[Subtitles] = []
    with av.open(str(video), metadata_errors="replace") as container:
        streams = [s for s in container.streams.subtitles if s.codec_context.name in _TEXT_CODECS]
        if not streams:
            return found
        origin = start_seconds(video)
        lines: dict[int, list[SubtitleLine]] = {stream.index: [] for stream in streams}
        dropped = dict.fromkeys(lines, 0)
        for packet in container.demux(streams):
            if packet.pts is None or not packet.size:
                continue
            base = packet.time_base or Fraction(1)
            start = float(packet.pts * base - origin)
            end = start + float((packet.duration or 0) * base)
            said = " ".join(
                _plain(rect.dialogue.decode("utf-8", "replace"))
                for rect in packet.decode()
                if isinstance(rect, av.subtitles.subtitle.AssSubtitle)
            )
            if said and end > start >= 0:
                lines[packet.stream_index].append(SubtitleLine(Span(start, end), said))
            else:
                dropped[packet.stream_index] += bool(said)
        for stream in streams:
            name = f"stream {stream.index}"
            ordered = sorted(lines[stream.index])
            found.append(Subtitles(name, stream.language or "", ordered, dropped[stream.index]))
    return found


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
