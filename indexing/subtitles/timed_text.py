"""SubRip, WebVTT, SBV and SubViewer: a line with two times, and the text below it.

No library tells which lines it could not read, and a cue may not get lost without a word.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from videoseal.indexing.subtitles.cues import CLOCK, CueFault, ParsedCues, RawCue, clock

__all__ = ["has_timings", "read_timed_text"]

_INVISIBLE: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069]")
_ARROW: Final = r"(?:[-\u2010-\u2015\u2212=]+\s*[>\u203a]|\u2192)"
_SETTINGS: Final = r"(?:\s+\w+:\S*)*"
_ARROWS: Final = re.compile(_ARROW)
_TIMING: Final = re.compile(rf"\s*({CLOCK})\s*{_ARROW}\s*({CLOCK})({_SETTINGS})(?:\s+(.*))?")
_COMMA: Final = re.compile(rf"\s*({CLOCK})\s*[,;]\s*({CLOCK})()()\s*")
_ANY_DASH: Final = re.compile(rf"\s*({CLOCK})\D{{1,6}}?({CLOCK})({_SETTINGS})()\s*")
_LIKE_TIMES: Final = re.compile(
    rf".*\d:.*{_ARROW}.*|.*{_ARROW}.*\d:.*|[\w:.]*\d:[\w:.]+[,;][\w:.]+"
)
_COUNTER: Final = re.compile(r"\s*\d+\s*")
_NO_TEXT: Final = re.compile(r"(?:WEBVTT|NOTE|STYLE|REGION)(?:\s.*)?")


class _Head(NamedTuple):
    """What a cue begins with."""

    first: int
    """Index of its first line: the counter or name, or the line with the times."""
    at: int
    """Index of the line with the times."""
    times: tuple[float, float] | None
    """None where they cannot be read."""
    rest: str
    """Text behind the times."""


def has_timings(text: str) -> bool:
    """Whether some line holds the two times of a cue."""
    return any(_timing(line, (_TIMING, _COMMA)) for line in text.split("\n"))


def read_timed_text(text: str) -> ParsedCues:
    """All cues, and the lines where one begins whose times cannot be read."""
    lines = text.split("\n")
    web = lines[0].startswith("WEBVTT")
    if web:
        _blank_notes(lines)
    heads = _heads(lines, named=web)
    parsed = ParsedCues([], [])
    ends = [*(head.first for head in heads[1:]), len(lines)]
    for head, following in zip(heads, ends, strict=False):
        body = "\n".join([head.rest, *lines[head.at + 1 : following]]).replace("[br]", "\n")
        if head.times:
            parsed.cues.append(RawCue(head.at + 1, *head.times, body))
        else:
            parsed.faults.append(
                CueFault(head.at + 1, f"cannot read {lines[head.at].strip()!r:.80}")
            )
    return parsed


def _timing(line: str, forms: Sequence[re.Pattern[str]]) -> re.Match[str] | None:
    if not line.isascii():
        line = unicodedata.normalize("NFKC", _INVISIBLE.sub("", line))
    return next((match for form in forms if (match := form.fullmatch(line))), None)


def _blank_notes(lines: list[str]) -> None:
    """Empty the blocks of WebVTT that are no cues; the numbers of lines stay."""
    inside = False
    for index, line in enumerate(lines):
        after_blank = index == 0 or not lines[index - 1].strip()
        inside = bool(line.strip()) and (
            inside or (after_blank and bool(_NO_TEXT.fullmatch(line.strip())))
        )
        if inside:
            lines[index] = ""


def _heads(lines: Sequence[str], *, named: bool) -> list[_Head]:
    """Where cues begin; `named` says that any line right above the times may name a cue."""
    forms = [form for form in (_TIMING, _COMMA) if any(_timing(line, [form]) for line in lines)][:1]
    heads: list[_Head] = []
    counted = False
    for at, line in enumerate(lines):
        above = lines[at - 1].strip() if at else ""
        apart = at < 2 or not lines[at - 2].strip()
        numbered = bool(_COUNTER.fullmatch(above))
        times = _timing(line, [*forms, _ANY_DASH] if numbered and apart else forms)
        if not times and not _is_broken(line, above, numbered and apart, named):
            continue
        counted = counted or (numbered and not heads)
        own = (numbered and (apart or counted)) or (named and apart and above)
        span = (clock(times[1]), clock(times[2])) if times else None
        heads.append(_Head(at - 1 if own else at, at, span, (times and times[4]) or ""))
    return list(_with_timeless(heads, lines))


def _is_broken(line: str, above: str, numbered: bool, named: bool) -> bool:
    """Whether a line that holds no two times stands where a cue's should."""
    if numbered:
        return bool(_ARROWS.search(line))
    return (not above or named) and bool(_LIKE_TIMES.fullmatch(line))


def _with_timeless(heads: Sequence[_Head], lines: Sequence[str]) -> Iterator[_Head]:
    """The same with those that have but a counter: the numbers show that a cue is missing."""
    for head, following in itertools.zip_longest(heads, heads[1:]):
        yield head
        number = _number(head, lines)
        if following is None or number is None or number + 1 == _number(following, lines):
            continue
        for index in range(head.at + 2, following.first):
            if lines[index].strip() == str(number + 1) and not lines[index - 1].strip():
                number += 1
                yield _Head(index, index, None, "")


def _number(head: _Head, lines: Sequence[str]) -> int | None:
    counter = lines[head.first].strip()
    return int(counter) if head.first < head.at and counter.isdecimal() else None
