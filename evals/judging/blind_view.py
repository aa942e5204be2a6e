"""What a judge may see of a record: one form for all systems, so that it judges blind.

Semantic groundedness (the paper's G_s) is a property of an answer and of what its system gathered:
whether the text of the evidence alone suffices to derive the answer. It is not accuracy (a wrong
answer may follow from what was misread) and not grounding in time (a right span may have been
described too poorly to carry anything).

What counts as gathered is a choice that is pinned with the verdicts. `seen`, the default, is what
was observed in frames that were really shown, cited or not: a system that answers without citing
is judged by all it saw. `gathered` adds what searches and the overview told the planner, which is
the paper's reading of "tool outputs"; these texts were written before the question was asked, and
nobody looked whether they hold.

The form is the same whoever gathered it: nothing of mode, models, prompts, thoughts, steps,
inspections or citations; lines in order of time, each once, numbered anew, with times in whole
seconds; a multiple-choice answer in the words of its option. Of an open answer markup, lead-ins,
hedges and length are taken away. Hedges inside evidence stay: that a sign "may read EXIT" is what
was seen, not how somebody talks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from videoseal.core.errors import SpanError
from videoseal.core.span import Span
from videoseal.core.text import STOP_WORDS, normalise
from videoseal.evals.records import SampleRecord
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.models.types import EvidenceLine, JudgeRequest

__all__ = ["VIEW_VERSION", "Gathered", "blind_view", "plain_answer", "plain_line"]

VIEW_VERSION: Final = "view-1"
"""Raised with every change of what judges are shown of a record."""
Gathered = Literal["seen", "gathered"]
"""What counts as evidence."""

_LONGEST_LINE: Final = 600
_LONGEST_ANSWER: Final = 400
_ROOM: Final = 24_000
"""Characters of all lines together: fits any judge's context, and a cell of a spreadsheet."""

_MARKS: Final = (
    re.compile(r"(\*\*|__|`+|\*)(?=\S)(.+?)(?<=\S)\1"),
    re.compile(r"(?<!\w)(_)(?=\S)(.+?)(?<=\S)\1(?!\w)"),
)
_BULLET: Final = re.compile(r"^(?:#{1,6}\s+|>\s+|[-*+\u2022\u00b7]\s+)+")
_NUMBERED: Final = re.compile(r"^\(?\d{1,2}[.)]\s+", re.MULTILINE)
"""Of answers only: on a board the number of a line is something that was read."""
_VIEWING: Final = re.compile(
    r"^(?:(?:in|from|on)\s+)?(?:the|this|these|that)\s+(?:first\s+|last\s+|next\s+)?"
    r"(?:frames?|scenes?|shots?|clips?|footage|video)\s*"
    r"(?:(?:clearly\s+)?(?:shows?|displays?|depicts?|contains?|features?)(?:\s+that)?\b|,|:)\s*"
    r"|^(?:i|we)\s+(?:can\s+)?(?:clearly\s+)?(?:see|observe|notice)\b(?:\s+that\b)?\s*"
    r"|^there\s+(?:is|are)\s+"
    r"|^(?:画面|视频|镜头)(?:(?:中|里|上)?(?:显示|有|出现)|中|里|上)[,:]?",
    re.IGNORECASE,
)
_ANSWERING: Final = re.compile(
    r"^(?:so|therefore|thus|hence|overall|finally|in\s+(?:conclusion|summary))\b\s*,?\s*"
    r"|^(?:based\s+on|according\s+to|judging\s+(?:from|by)|given)\b[^,.:]{1,80}[,:]\s*"
    r"|^(?:the|my)\s+(?:final\s+|correct\s+|best\s+)*(?:answer|guess)\s*(?:is|would\s+be|:)\s*:?\s*"
    r"|^(?:answer\s*:|答案(?:是|为)?:?|综上所述?,?|因此,?)\s*",
    re.IGNORECASE,
)
_TO_BE: Final = re.compile(r"\b(?:appears?|seems?|is\s+likely|are\s+likely)\s+to\s+be\b", re.I)
_HEDGE: Final = re.compile(
    r"\b(?:i\s+(?:think|believe|guess|assume|suppose|would\s+say)(?:\s+that)?"
    r"|it\s+(?:appears|seems|looks)(?:\s+(?:that|like|as\s+if))?"
    r"|as\s+far\s+as\s+(?:i|one)\s+can\s+(?:tell|see)|in\s+my\s+(?:opinion|view)"
    r"|(?:most|very|quite|highly)\s+(?:likely|probably)|without\s+(?:a\s+)?doubt"
    r"|probably|possibly|perhaps|maybe|likely|presumably|apparently|seemingly"
    r"|clearly|definitely|certainly|obviously|undoubtedly|surely)\b\s*,?\s*"
    r"|(?:我(?:认为|觉得|想)|看起来|看上去|似乎|好像|大概|可能|也许|应该|显然|肯定),?",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"([A-Z][a-z]*)(?= [a-z])")
_NEVER_LOW: Final = frozenset({"I", "May", "Will"})


def blind_view(record: SampleRecord, gathered: Gathered = "seen") -> JudgeRequest | None:
    """The request to a judge, or None for a sample without an answer to judge.

    Its evidence is empty where the system gathered none; no judge needs to be asked then.
    """
    outcome = outcome_of(record)
    question = record.item.question
    if outcome.status not in ("answered", "forced"):
        return None
    if question.options:
        option = question.option(outcome.letter)
        if option is None:
            return None
        answer = option
    else:
        answer = plain_answer(outcome.text)
    found = list(_found(record.episode or {}, gathered))
    kept, left_out = _that_fit(found)
    return JudgeRequest(
        question,
        outcome.letter if question.options else None,
        " ".join(answer.split()),
        kept,
        left_out,
    )


def plain_answer(text: str) -> str:
    """An open answer without markup, lead-ins and hedges, on one line and of bounded length."""
    text = _plain(_NUMBERED.sub("", text.strip()))
    before = None
    while before != text:
        before = text
        text = _ANSWERING.sub("", _VIEWING.sub("", text))
        text = _HEDGE.sub("", _TO_BE.sub("is", text))
        text = " ".join(text.split()).lstrip(" ,;:")
    return _begun_low(_cut(text.rstrip(" .!\u3002"), _LONGEST_ANSWER))


def plain_line(text: str) -> str:
    """A line of evidence without markup and talk of looking; what it says is kept."""
    text = _plain(text)
    before = None
    while before != text:
        before = text
        text = _VIEWING.sub("", text).lstrip(" ,;:")
    return _begun_low(_cut(text.rstrip(" .\u3002"), _LONGEST_LINE))


def _plain(text: str) -> str:
    lines = (_BULLET.sub("", line.strip()) for line in text.splitlines())
    text = normalise(" ".join(line for line in lines if line))
    for mark in _MARKS:
        text = mark.sub(r"\2", text)
    return text


def _begun_low(text: str) -> str:
    """Without the capital that a sentence gives to a word of grammar; names keep theirs."""
    first = _SENTENCE.match(text)
    if first and first[1] not in _NEVER_LOW and first[1].lower() in STOP_WORDS:
        return text[0].lower() + text[1:]
    return text


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0]


def _found(episode: dict[str, Any], gathered: Gathered) -> Iterator[EvidenceLine]:
    """Everything gathered, in the order in which it was."""
    if gathered == "gathered":
        for step in episode.get("steps", []):
            yield from _told(step.get("result") or {})
    for entry in episode.get("evidence", []):
        shown = {frame["time"] for frame in entry["frames"]}
        for seen in entry.get("observations", []):
            if seen["time"] in shown:
                yield EvidenceLine(seen["time"], seen["time"], plain_line(seen["text"]))


def _told(result: dict[str, Any]) -> Iterator[EvidenceLine]:
    """What a search or the overview told the planner."""
    hits = [(hit.get("span"), hit.get("text")) for hit in _dicts(result.get("hits"))]
    lines = (str(line).partition(" ") for line in _list(result.get("lines")))
    for where, text in [*hits, *((span, rest) for span, _, rest in lines)]:
        try:
            span = Span.parse(str(where))
        except SpanError:
            continue
        yield EvidenceLine(span.start, span.end, plain_line(str(text or "")))


def _that_fit(found: Sequence[EvidenceLine]) -> tuple[list[EvidenceLine], int]:
    """The lines in order of time, each once; where there is no room for all, those found last.

    The last look is the one that an answer followed, in every mode alike.
    """
    ordered = sorted(set(found), key=lambda line: (line.start, line.end, line.text))
    whole = {line: _in_seconds(line) for line in ordered if line.text}
    latest = dict.fromkeys(whole[line] for line in reversed(found) if line in whole)
    room, kept = _ROOM, set()
    for line in latest:
        room -= len(line.text) + 1
        if room < 0:
            break
        kept.add(line)
    lines = [line for line in dict.fromkeys(whole.values()) if line in kept]
    return lines, len(latest) - len(lines)


def _in_seconds(line: EvidenceLine) -> EvidenceLine:
    start = float(math.floor(line.start + 1e-6))
    end = start if line.end <= line.start else float(math.ceil(line.end - 1e-6))
    return EvidenceLine(start, end, line.text)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in _list(value) if isinstance(entry, dict)]
