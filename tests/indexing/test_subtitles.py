"""Subtitles: found beside and inside videos, clear errors, rows, and written out again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from videoseal.core.errors import UnreadableSubtitles
from videoseal.core.span import Span
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.stages.speech import speech_rows
from videoseal.indexing.subtitles.subtitle_files import embedded, read_file, sidecars, to_srt

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Meet me</i>
at the gate

2
00:00:05,000 --> 00:00:04,000
backwards

3
00:00:06,000 --> 00:00:07,000
请在三点到北门
"""
VTT = "WEBVTT\n\n00:01.000 --> 00:02.000 align:start\nHello there\n"
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\b1}Meet{\\b0} me\\Nthere
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_any_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    """Lines come without markup, on one line each; one that ends before it starts is counted."""
    path = tmp_path / "film.zh.srt"
    path.write_bytes(SRT.encode(encoding))
    found = read_file(path)
    assert [(line.span, line.text) for line in found.lines] == [
        (Span(1, 2.5), "Meet me at the gate"),
        (Span(6, 7), "请在三点到北门"),
    ]
    assert [fault.place for fault in found.faults] == [7]
    assert (found.language, found.source) == ("zh", "film.zh.srt")


def test_other_formats_are_read(tmp_path: Path) -> None:
    """WebVTT and ASS work as well; drawings in ASS are no text."""
    (tmp_path / "a.vtt").write_text(VTT)
    (tmp_path / "b.ass").write_text(ASS)
    assert [line.text for line in read_file(tmp_path / "a.vtt").lines] == ["Hello there"]
    assert [line.text for line in read_file(tmp_path / "b.ass").lines] == ["Meet me there"]


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.srt", b"1\n00:00:01,000 --> 00:00:0x,000\nhi\n", r"a\.srt: line 2: .*0x"),
        ("a.srt", b"just some words", r"a\.srt: line 1"),
        ("a.srt", b"", r"a\.srt: line 1"),
        ("a.srt", b"\x00\x01\xff\xfe\x00", r"a\.srt: not a text file"),
        ("a.vtt", b"WEBVTT\n\n00:01 --> bad\nhi\n", r"a\.vtt: line 3"),
        ("a.ass", ASS.replace("0:00:01.00", "soon").encode(), r"a\.ass: line 10"),
    ],
)
def test_a_bad_file_is_named_with_its_line(
    tmp_path: Path, name: str, content: bytes, place: str
) -> None:
    """What cannot be read is an error that says where; nothing is passed over in silence."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableSubtitles, match=place):
        read_file(tmp_path / name)
    with pytest.raises(UnreadableSubtitles, match="cannot read"):
        read_file(tmp_path / "missing.srt")


def test_files_beside_a_video_are_found(tmp_path: Path) -> None:
    """The same stem counts, also with a language; another film's files do not."""
    for name in ("film.srt", "film.en.srt", "film.zh-Hans.vtt", "film.en.sdh.srt", "film2.srt",
                 "film.txt", "film.part two.srt", "other.srt", "film.ttml", "film.Polish.smi",
                 "film.zh-Hant-TW.ass"):  # fmt: skip
        (tmp_path / name).touch()
    names = [path.name for path in sidecars(tmp_path / "film.mp4")]
    assert names == [
        "film.Polish.smi", "film.en.sdh.srt", "film.en.srt", "film.srt", "film.ttml",
        "film.zh-Hans.vtt", "film.zh-Hant-TW.ass",
    ]  # fmt: skip
    assert sidecars(tmp_path / "nowhere" / "film.mp4") == []


def test_rows_are_cut_to_the_video(tmp_path: Path) -> None:
    """A line past the end is left out, one over the end is cut, ordinals go on."""
    (tmp_path / "a.srt").write_text(SRT)
    lines = read_file(tmp_path / "a.srt").lines
    rows = speech_rows(lines, "subtitles", {}, 7, duration=6.5)
    assert [(row.ordinal, row.span) for row in rows] == [(7, Span(1, 2.5)), (8, Span(6, 6.5))]
    assert len(speech_rows(lines, "subtitles", {}, 0, duration=6.0)) == 1


def test_text_streams_inside_a_video_are_read(film: Any, tmp_path: Path) -> None:
    """A subtitle stream in a container gives its lines on the presentation timeline."""
    plain = film(frames=36).write(tmp_path / "plain.mp4")
    assert embedded(plain) == []
    (tmp_path / "a.srt").write_text(SRT.replace("00:00:04,000", "00:00:05,500"))
    with (
        av.open(str(plain)) as video,
        av.open(str(tmp_path / "a.srt")) as words,
        av.open(str(tmp_path / "both.mkv"), "w") as output,
    ):
        target = output.add_stream_from_template(video.streams.video[0])
        lines = output.add_stream_from_template(words.streams.subtitles[0])
        for source, stream in ((video, target), (words, lines)):
            for packet in source.demux():
                if packet.dts is None:
                    continue
                # Everything begins five seconds late on the container's clock.
                shift = int(Fraction(5) / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = stream
                output.mux(packet)
    (found,) = embedded(tmp_path / "both.mkv")
    assert [(line.span, line.text) for line in found.lines] == [
        (Span(1, 2.5), "Meet me at the gate"),
        (Span(5, 5.5), "backwards"),
        (Span(6, 7), "请在三点到北门"),
    ]


def test_rows_are_written_as_srt(tmp_path: Path) -> None:
    """Written cues are read back with the same times and texts."""
    rows = [
        TextRow("ocr", 1, Span(3661.0405, 3662), "later", "test"),
        TextRow("ocr", 0, Span(0, 1.9996), "first\n\nline", "test"),
    ]
    text = to_srt(rows)
    assert text.startswith("1\n00:00:00,000 --> 00:00:02,000\nfirst\nline\n\n2\n01:01:01,04")
    (tmp_path / "out.srt").write_text(text)
    assert [line.text for line in read_file(tmp_path / "out.srt").lines] == ["first line", "later"]
    assert to_srt([]) == ""
