"""The offline inspector and answerer: they tell only what they read and are shown."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

import numpy as np

from videoseal.models.ocr.line_text import TextLine
from videoseal.models.ocr.reader import TextReader
from videoseal.models.offline.matcher import Decision, bridge, decide, guess
from videoseal.models.offline.passages import Passage, passage_of, passages, spoken
from videoseal.models.types import (
    AnswerDraft,
    AnswerRequest,
    Frame,
    InspectRequest,
    Observation,
    Reply,
    SearchMoreReason,
    SpokenLine,
    Usage,
    Verdict,
)

__all__ = ["MatchingAnswerer", "ReadingInspector"]

_MOST_READ: Final = 48
"""Frames read per call: a tenth of a second each."""
_MOST_KNOWN: Final = 256
"""Pictures, of 0.15 MB each, whose readings are remembered."""
_SAME: Final = 2.0
"""Largest difference of a thumbnail's pixels, of 255, at which a frame is a repetition."""
_CLEAR: Final = 0.75
"""Recogniser score under which text counts as hardly readable."""
_MOST_OBSERVED: Final = 12
_LONGEST: Final = 200


class ReadingInspector:
    """Reads on-screen text and the lines that are said, and compares words.

    It knows no objects, persons, actions or meanings: what is not written in the frames it cannot
    tell, and then it asks to search more. Without a reader it never settles anything.
    """

    caveat = (
        "the offline stand-in looked, which only reads text: set VIDEOSEAL_INSPECTOR_BASE_URL and "
        "VIDEOSEAL_INSPECTOR_MODEL to a vision model to have pictures seen"
    )
    """What a person is told beside an abstention."""

    def __init__(self, text_reader: TextReader | None) -> None:
        self._reader = text_reader
        # The same picture is read once, whatever is asked about it.
        self._lines = functools.lru_cache(maxsize=_MOST_KNOWN)(self._read)

    @property
    def name(self) -> str:
        """`reading-3` and the reader that it reads with."""
        return f"reading-3+{self._reader.name if self._reader else 'no-ocr'}"

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        """Read the frames and judge them; never raises for what the frames hold."""
        started = time.perf_counter()
        verdict = await asyncio.to_thread(self._judge, request)
        seconds = time.perf_counter() - started
        return Reply(verdict, Usage(calls=1, frames=len(request.frames), seconds=seconds))

    def _judge(self, request: InspectRequest) -> Verdict:
        pages = {f.time: self._lines(f.jpeg) for f in self._distinct(request.frames)}
        found = [passage for at, lines in pages.items() for passage in passages(lines, at)]
        found += spoken(request.lines)
        lines = [line for page in pages.values() for line in page]
        question, decision = request.question, decide(request.question, found)
        settled, option = bool(decision.answer), decision.option
        seen = _observed(decision.carriers if settled else decision.relevant, request.lines)
        answer = decision.answer
        if request.forced and not settled:
            option = guess(question, found)
            answer = "".join(one.text for one in seen[:1])
        return Verdict(
            sufficient=settled,
            answer=answer if option is None else question.options[option],
            choice=None if option is None else question.letters[option],
            reason=None if settled else _reason(decision, lines),
            observations=seen,
            missing="" if settled else _missing(decision),
            confidence=_clarity(decision, lines),
        )

    def _distinct(self, frames: Sequence[Frame]) -> list[Frame]:
        """Frames that are no repetitions of the one before."""
        step = max(1.0, len(frames) / _MOST_READ)
        chosen = [frames[int(at * step)] for at in range(min(len(frames), _MOST_READ))]
        small = [_pixels(f.jpeg, small=True) for f in chosen] if self._reader else []
        return [
            chosen[at]
            for at in range(len(small))
            if not at or np.abs(small[at] - small[at - 1]).max() > _SAME
        ]

    def _read(self, jpeg: bytes) -> list[TextLine]:
        assert self._reader is not None
        return [line for line in self._reader.read(_pixels(jpeg)) if line.text]


class MatchingAnswerer:
    """Compares all observations of the ledger with the question, word for word.

    It follows one link, a name that two observations share; anything that needs understanding it
    leaves unsupported.
    """

    name = "matching-3"

    async def answer(self, request: AnswerRequest) -> Reply[AnswerDraft]:
        """Propose what exactly one option, or one line, is carried by; a guess when forced."""
        started = time.perf_counter()
        draft = _draft(request)
        return Reply(draft, Usage(calls=1, seconds=time.perf_counter() - started))


def _draft(request: AnswerRequest) -> AnswerDraft:
    question, notes = request.question, request.evidence
    found = [passage_of(o.text, o.time, note.id) for note in notes for o in note.observations]
    decision = decide(question, found)
    if not decision.answer and not decision.rivals:
        decision = bridge(question, found)
    texts = "; ".join(dict.fromkeys(passage.text for passage in decision.carriers))
    why = "several options are carried alike" if decision.rivals else "no option is carried"
    why += f"; not read: {', '.join(decision.lacking)}" if decision.lacking else ""
    option, answer = decision.option, decision.answer
    if not answer and request.forced:
        option, why = guess(question, found), f"a guess: {why}"
        read = found[0].text if found else "unknown"
        answer = read if option is None else question.options[option]
    supported = bool(decision.answer)
    return AnswerDraft(
        supported=supported,
        answer=answer,
        choice=None if option is None else question.letters[option],
        cites=list(dict.fromkeys(passage.source for passage in decision.carriers)),
        why=(f"read: {texts}" if supported else why)[:300],
        confidence=0.9 if supported else 0.0,
    )


def _clarity(decision: Decision, lines: Sequence[TextLine]) -> float:
    """How readable the least readable line is that carries the answer; what is said is."""
    cells = {cell for passage in decision.carriers for row in passage.rows for cell in row}
    scores = [line.score for line in lines if line.text in cells]
    scores += [1.0 for passage in decision.carriers if passage.lines]
    return round(min(1.0, max(0.0, min(scores, default=0.0))), 3)


def _reason(decision: Decision, lines: Sequence[TextLine]) -> SearchMoreReason:
    if decision.rivals:
        return "IDENTITY_AMBIGUOUS"
    if decision.relevant:
        return "PARTIAL_EVIDENCE"
    unclear = lines and sum(line.score for line in lines) < _CLEAR * len(lines)
    return "VISUAL_UNCLEAR" if unclear else "SPAN_MISMATCH"


def _missing(decision: Decision) -> str:
    missing = "which of several readings is meant" if decision.rivals else "text that answers"
    return f"{missing}; not read: {', '.join(decision.lacking)}" if decision.lacking else missing


def _observed(found: Sequence[Passage], lines: Sequence[SpokenLine]) -> list[Observation]:
    """The best passages, each text once, in order of time; each line of what was said by itself."""
    seen: dict[str, Passage] = {}
    for passage in found:
        if not any(passage.text in text for text in seen):
            seen[passage.text] = passage
    best = sorted(list(seen.values())[:_MOST_OBSERVED], key=lambda passage: passage.time)
    heard = {number for passage in best for number in passage.lines}
    return [
        *(Observation(time=p.time, text=p.text[:_LONGEST]) for p in best if not p.lines),
        *(
            Observation(time=line.start, text=line.text[:_LONGEST], line=number)
            for number, line in enumerate(lines, start=1)
            if number in heard
        ),
    ]


def _pixels(jpeg: bytes, *, small: bool = False) -> Any:
    from PIL import Image

    with Image.open(BytesIO(jpeg)) as picture:
        if small:
            return np.asarray(picture.convert("L").resize((96, 54)), dtype=np.int16)
        return np.asarray(picture.convert("RGB"))
