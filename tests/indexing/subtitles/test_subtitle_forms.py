"""Subtitle files of every form: each cue once, at its time, in plain words; losses are told."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tests.shared_data import CASES, needs_cases
from videoseal.core.errors import UnreadableSubtitles
from videoseal.indexing.subtitles.subtitle_files import Subtitles, read_file

SCRIPT = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
FORMAT = "00:00:02,000 --> 00:00:03,000"


def said(folder: Path, name: str, text: str, fps: float | None = None) -> Subtitles:
    """What is read from a file of that name with that content."""
    (folder / name).write_bytes(text.encode())
    return read_file(folder / name, fps)


def cues(found: Subtitles) -> list[tuple[float, float, str]]:
    return [(round(a.span.start, 3), round(a.span.end, 3), a.text) for a in found.lines]


def event(start: str, end: str, text: str, layer: int = 0) -> str:
    return f"Dialogue: {layer},0:00:{start},0:00:{end},Any,,0,0,0,,{text}\n"


@pytest.mark.parametrize(
    "times",
    [
        "00:00:02,000 --> 00:00:03,500",
        "0:00:2.0 --> 0:00:3.5",
        "00:02,000-->00:03,500 X1:10 X2:20",
        "00:00:02:000 -> 00:00:03:500",
        "00 : 00 : 02, 000 -- > 00:00:03, 500",
        "00:00:02,000 \u2192 00:00:03,500",
        "\u200f00:00:02,000 --> 00:00:03,500",
        "００：００：０２，０００ －－＞ ００：００：０３，５００",
        "00:00:02,000 00:00:03,500",
    ],
)
def test_times_as_people_write_them(tmp_path: Path, times: str) -> None:
    """Commas, dots, colons, spaces, odd arrows and wide digits all say the same."""
    found = said(tmp_path, "a.srt", f"1\n{times}\nThe kiln is hot\n")
    assert (cues(found), found.faults) == ([(2.0, 3.5, "The kiln is hot")], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Walk <i>on</i>\nthe <font color=red>left</font>", "Walk on the left"),
        ("{\\an8}C:\\Nowhere\\new", "C:\\Nowhere\\new"),
        ("2 < 3 and 5 > 4, I <3 tea", "2 < 3 and 5 > 4, I <3 tea"),
        ("Cat &amp; dog, Q&A, &lt;b&gt;", "Cat & dog, Q&A, <b>"),
        ("Push --> pull", "Push --> pull"),
        ("Open 08:00 to 19:30", "Open 08:00 to 19:30"),
        ("Platform\n\n12", "Platform 12"),
        ("12", "12"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_a_text_is_what_a_viewer_reads(tmp_path: Path, text: str, expected: str, end: str) -> None:
    """Markup goes, everything else stays: signs, paths, arrows, numbers, lines after a gap."""
    whole = f"1\n{FORMAT}\n{text}\n\n2\n00:00:05,000 --> 00:00:06,000\nNext\n"
    found = said(tmp_path, "a.srt", whole.replace("\n", end))
    assert cues(found) == [(2.0, 3.0, expected), (5.0, 6.0, "Next")]
    assert found.warning == ""


def test_numbers_are_text_where_cues_have_none(tmp_path: Path) -> None:
    """Without counters a number that ends a text stays, with them it is the next cue's."""
    bare = f"{FORMAT}\nGate\n31\n\n00:00:05,000 --> 00:00:06,000\nGo\n"
    glued = f"1\n{FORMAT}\nGate\n2\n00:00:05,000 --> 00:00:06,000\nGo\n"
    assert [text for *_, text in cues(said(tmp_path, "a.srt", bare))] == ["Gate 31", "Go"]
    assert [text for *_, text in cues(said(tmp_path, "a.srt", glued))] == ["Gate", "Go"]


HEAD, TAIL = f"1\n{FORMAT}\nA\n\n", "\n\n3\n00:00:07,000 --> 00:00:08,000\nB\n"
LOST = [
    ("a.srt", f"{HEAD}2\n00:0x:04,0 --> 00:00:05,0\nlost{TAIL}", 6),
    ("a.srt", f"{HEAD}2\nlost{TAIL}", 5),
    ("a.srt", f"{HEAD}2\n-00:00:05,0 --> -00:00:04,0\nlost{TAIL}", 6),
    ("a.vtt", f"WEBVTT\n\n{HEAD}00:0 --> bad:1\nlost{TAIL}", 7),
    ("a.sbv", "0:00:02.0,0:00:03.0\nA\n\n0:0x:04.0,0:00:05.0\nlost\n\n0:00:07.0,0:00:08.0\nB", 4),
    (
        "a.ass",
        SCRIPT
        + event("02.00", "03.00", "A")
        + event("soon", "5.00", "lost")
        + event("07.00", "08.00", "B"),
        7,
    ),
    ("a.mpl", "[20][30]A\n[40][x]lost\n[70][80]B", 2),
    ("a.sub", "{1}{1}10\n{20}{30}A\nlost\n{70}{80}B", 3),
    (
        "a.ttml",
        '<tt><body>\n<p begin="2s" end="3s">A</p>\n<p begin="?" end="5s">lost</p>\n'
        '<p begin="7s" end="8s">B</p></body></tt>',
        3,
    ),
    (
        "a.smi",
        "<SAMI>\n<SYNC Start=2000><P>A\n<SYNC Start=3000><P>&nbsp;\n<SYNC Start=x><P>lost\n"
        "<SYNC Start=7000><P>B<SYNC Start=8000><P>&nbsp;",
        4,
    ),
]


@pytest.mark.parametrize(("name", "text", "line"), LOST)
def test_one_cue_that_cannot_be_read_is_told(
    tmp_path: Path, name: str, text: str, line: int
) -> None:
    """It alone is left out, with its line; nothing else moves and its words go nowhere."""
    found = said(tmp_path, name, text)
    assert cues(found) == [(2.0, 3.0, "A"), (7.0, 8.0, "B")]
    assert [fault.place for fault in found.faults] == [line]
    assert found.warning.startswith(f"{name}: 1 cue lost or damaged: line {line} ")


def test_many_losses_are_counted(tmp_path: Path) -> None:
    """Three are named, the others counted."""
    broken = "".join(f"{n}\n00:00:0x,000 --> 00:00:09,000\nlost\n\n" for n in range(2, 9))
    found = said(tmp_path, "a.srt", f"1\n{FORMAT}\nA\n\n{broken}")
    assert found.warning.startswith("a.srt: 7 cues lost or damaged: line 6 cannot read")
    assert found.warning.endswith("; ...")


WEB = """WEBVTT made by hand
Kind: x

STYLE
::cue { top: 1 }

NOTE
00:01.000 --> 00:02.000
old

title
00:02.000 --> 00:03.000 line:0
<v Ida>Hi <00:02.500><c>you</c></v>

WEBVTT

7
00:04,000 --> 00:05,000
Ho
"""
SAMI = """<SAMI><BODY>
<SYNC Start=2000><P Class=EN>Hi<br>you<P Class=KR>안녕
<SYNC Start=3000><P Class=EN>&nbsp;
<SYNC Start=4000><P Class=EN>Ho<P Class=KR>&nbsp;
<SYNC Start=5000><P Class=EN>
</BODY></SAMI>
"""
TTML = """<tt xmlns:p="p" p:frameRate="25" p:tickRate="1000"><body begin="1s"><div>
<p begin="00:00:01:00" end="2000t">Hi <b>you</b></p>
<p><span begin="3s" dur="25f">R&amp;D &lt; A&D</span></p>
</div></body></tt>
"""
IN_TURN = """<x:tt><x:body timeContainer="seq">
<x:p dur="2s">Hi<x:br/>you</x:p><x:p dur="500ms">Ho</x:p>
</x:body></x:tt>
"""
SIGN = event("02.00", "03.00", "{\\p1}m 0 0 l 9 9{\\p0}Hi\\Nyou{a note}")
HI, HO = (2.0, 3.0, "Hi you"), (4.0, 5.0, "Ho")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.vtt", WEB, [HI, HO]),
        ("a.sub", "[TITLE]x\n[SUBTITLE]\n00:00:02.00,00:00:03.00\nHi[br]you\n", [HI]),
        ("a.sub", "{50}{75}Hi|{y:i}you\n{100}{125}Ho", [HI, HO]),
        ("a.txt", "00:00:02:Hi|you\n00:00:03:\n00:00:04:Ho", [HI, (4.0, 9.0, "Ho")]),
        ("a.mpl", "[20][30]/Hi|/you\n[40][]Ho", [HI, (4.0, 9.0, "Ho")]),
        (
            "a.lrc",
            "[ti:x]\n[offset:+1000]\n[00:03.00][00:09.00]Hi\n[00:05:50]<00:06.00>Ho",
            [(2.0, 4.5, "Hi"), (4.5, 8.0, "Ho"), (8.0, 13.0, "Hi")],
        ),
        (
            "a.lrc",
            "[00:02.00]Hi\n[00:02.00]你好\n[00:04.00]Ho",
            [(2.0, 4.0, "Hi"), (2.0, 4.0, "你好"), (4.0, 9.0, "Ho")],
        ),
        ("a.smi", SAMI, [HI, (2.0, 4.0, "안녕"), HO]),
        ("a.ttml", TTML, [HI, (4.0, 5.0, "R&D < A&D")]),
        ("a.ttml", IN_TURN, [(0.0, 2.0, "Hi you"), (2.0, 2.5, "Ho")]),
        ("a.ass", SCRIPT + SIGN, [HI]),
        ("a.ass", "[Events]\nFormat: End, Start, Text\nDialogue: 0:00:03.0,0:00:02.0,Hi you", [HI]),
        ("a.pjs", '20,30,"Hi you"\n40,50,"Ho"\n', [HI, HO]),
    ],
)
def test_every_form_says_the_same(
    tmp_path: Path, name: str, text: str, expected: list[tuple[float, float, str]]
) -> None:
    """The content decides the form; headers, notes, styles and drawings are no text."""
    found = said(tmp_path, name, text, fps=25.0)
    assert (cues(found), found.faults) == (expected, [])


def test_a_sign_that_stays_is_one_line(tmp_path: Path) -> None:
    """Layers and frames without a pause are one, whatever lies between; a pause makes another."""
    frames = "".join(
        event(f"0{a / 100:.2f}", f"0{(a + 4) / 100:.2f}", word)
        for a in range(200, 240, 4)
        for word in ("{\\pos(1,2)}PIER", "DOCK")
    )
    layers = event("02.00", "04.00", "talk", 1) + event("02.00", "04.00", "{\\b1}talk", 2)
    found = said(tmp_path, "a.ass", SCRIPT + frames + layers + event("03.00", "03.50", "PIER"))
    assert cues(found) == [
        (2.0, 2.4, "PIER"), (2.0, 2.4, "DOCK"), (2.0, 4.0, "talk"), (3.0, 3.5, "PIER"),
    ]  # fmt: skip


def test_captions_that_roll_up_come_once(tmp_path: Path) -> None:
    """Each line from when it is new; the same words after a pause are said again."""
    steps = [
        (1, 2, " \na b"), (2, 2.01, "a b\n "), (2.01, 3, "a b\nc d"), (3, 4, "c d\ne f"),
        (9, 10, " \na b"),
    ]  # fmt: skip
    text = "".join(f"00:0{a:.3f} --> 00:{b:06.3f}\n{words}\n\n" for a, b, words in steps)
    found = said(tmp_path, "a.vtt", f"WEBVTT\n\n{text}")
    assert [(start, words) for start, _, words in cues(found)] == [
        (1.0, "a b"), (2.01, "c d"), (3.0, "e f"), (9.0, "a b"),
    ]  # fmt: skip


def test_a_repeated_word_in_a_talk_is_kept(tmp_path: Path) -> None:
    """One answer that begins as the line before ended makes no rolling captions."""
    talk = [(1, 2, "Tea?\nYes."), (2, 3, "Yes.\nNow?"), (4, 5, "In a bit."), (6, 7, "Right.")]
    text = "".join(f"00:00:0{a},000 --> 00:00:0{b},000\n{words}\n\n" for a, b, words in talk)
    texts = [text for *_, text in cues(said(tmp_path, "a.srt", text))]
    assert texts == ["Tea? Yes.", "Yes. Now?", "In a bit.", "Right."]


def shared_subtitles() -> dict[str, Any]:
    """The small faulty files beside the checkout, with their right values."""
    folder = CASES / "subtitles" / "expected.json"
    return json.loads(folder.read_text("utf-8"))["files"] if folder.is_file() else {}


def _within(value: float, wish: float | list[float]) -> bool:
    low, high = wish if isinstance(wish, list) else (wish, wish)
    return low - 0.02 <= value <= high + 0.02


def _bare(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) != "Cf" and c != "\ufffd")


@needs_cases
def test_shared_cases_come_out_right() -> None:
    """Every file beside the checkout gives its cues, and tells what it lost."""
    wrong = []
    for name, wish in shared_subtitles().items():
        end = wish.get("duration", float("inf"))
        try:
            found = read_file(CASES / "subtitles" / name)
        except UnreadableSubtitles:
            wrong += [] if wish.get("error") else [name]
            continue
        got = [(a, min(b, end), text) for a, b, text in cues(found) if a < end]
        told = len(found.faults) + len(found.lines) - len(got)
        right = len(got) == len(wish["cues"]) and all(
            _within(a, start) and _within(b, stop) and _bare(text) == _bare(words)
            for (a, b, text), (start, stop, words) in zip(got, wish["cues"], strict=True)
        )
        if wish.get("error") or not right or wish["warnings"] not in (None, told):
            wrong.append(name)
    assert wrong == []
