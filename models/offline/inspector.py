"""The offline inspector: answers only what it can read in the frames it is shown."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from io import BytesIO
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from videoseal.models.ocr.reader import TextLine, TextReader
from videoseal.models.offline.decide import Decision, decide, guess
from videoseal.models.offline.layout import Passage, passages
from videoseal.models.offline.visual import Sight, asks_looks, look, measured
from videoseal.models.types import (
    Frame,
    InspectRequest,
    Observation,
    Question,
    Reply,
    SearchMoreReason,
    Usage,
    Verdict,
)

__all__ = ["ReadingInspector"]

_MOST_READ: Final = 48
"""Frames read per call: a tenth of a second each."""
_MOST_KNOWN: Final = 2048
"""Readings that are remembered: a few megabytes."""
_THUMBNAIL: Final = (96, 54)
_SAME: Final = 2.0
"""Largest difference of a thumbnail's pixels, of 255, at which a frame is a repetition."""
_CLEAR: Final = 0.75
"""Recogniser score under which text counts as hardly readable."""
_MOST_OBSERVED: Final = 12
_LONGEST: Final = 200


class _Page(NamedTuple):
    """What was read in one frame."""

    time: float
    lines: list[TextLine]


class ReadingInspector:
    """Reads on-screen text, measures plain shapes and grounds, and compares words.

    It knows no objects, persons, actions or meanings: what is neither written in the frames nor a
    plain shape of one colour it cannot tell, and then it asks to search more. Without a reader it
    never settles anything.
    """

    def __init__(self, text_reader: TextReader | None) -> None:
        self._reader = text_reader
        self._known: OrderedDict[str, list[TextLine]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """`reading-1` and the reader that it reads with."""
        return f"reading-1+{self._reader.name if self._reader else 'no-ocr'}"

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        """Read the frames and judge them; never raises for what the frames hold."""
        started = time.perf_counter()
        verdict = await asyncio.to_thread(self._judge, request)
        seconds = time.perf_counter() - started
        return Reply(verdict, Usage(calls=1, frames=len(request.frames), seconds=seconds))

    def _judge(self, request: InspectRequest) -> Verdict:
        pages, sights = self._read(request.frames, asks_looks(request.question))
        found = [passage for page in pages for passage in passages(page.lines, page.time)]
        found += measured(sights)
        decision = decide(request.question, found)
        if decision.settled:
            return _settled(request.question, decision, _clarity(pages, decision))
        verdict = _search_more(decision, pages)
        if request.forced:
            return _forced(request.question, found, verdict)
        return verdict

    def _read(self, frames: Sequence[Frame], measure: bool) -> tuple[list[_Page], list[Sight]]:
        """Read, and where looks are asked for measure, each frame that is not a repetition."""
        step = max(1.0, len(frames) / _MOST_READ)
        chosen = [frames[int(at * step)] for at in range(min(len(frames), _MOST_READ))]
        pages: list[_Page] = []
        sights: list[Sight] = []
        last: npt.NDArray[np.int16] | None = None
        for frame in chosen if self._reader else ():
            rgb = _pixels(frame)
            small = _thumbnail(rgb)
            if last is None or float(np.abs(small - last).max()) > _SAME:
                pages.append(_Page(frame.time, self._lines(frame, rgb)))
                if measure:
                    sights.append(look(rgb, pages[-1].lines, frame.time))
            last = small
        return pages, sights

    def _lines(self, frame: Frame, rgb: npt.NDArray[np.uint8]) -> list[TextLine]:
        """The text of a frame; the same picture is read once, whatever is asked about it."""
        key = frame.sha256
        with self._lock:
            known = self._known.get(key)
        if known is None:
            assert self._reader is not None
            known = self._reader.read(rgb)
            with self._lock:
                self._known[key] = known
                while len(self._known) > _MOST_KNOWN:
                    self._known.popitem(last=False)
        return known


def _settled(question: Question, decision: Decision, clarity: float) -> Verdict:
    return Verdict(
        sufficient=True,
        answer=decision.answer,
        choice=None if decision.option is None else question.letters[decision.option],
        observations=_observed(decision.carriers),
        confidence=round(clarity, 3),
    )


def _search_more(decision: Decision, pages: Sequence[_Page]) -> Verdict:
    lacking = ", ".join(clue.raw for clue in decision.lacking)
    relevant = tuple(reading.passage for reading in decision.relevant)
    scores = [line.score for page in pages for line in page.lines]
    reason: SearchMoreReason = "SPAN_MISMATCH"
    if decision.rivals:
        reason = "IDENTITY_AMBIGUOUS"
    elif relevant:
        reason = "PARTIAL_EVIDENCE"
    elif scores and sum(scores) < _CLEAR * len(scores):
        reason = "VISUAL_UNCLEAR"
    missing = "which of several readings is meant" if decision.rivals else "text that answers"
    return Verdict(
        sufficient=False,
        reason=reason,
        observations=_observed(relevant),
        missing=f"{missing}; not read: {lacking}" if lacking else missing,
    )


def _forced(question: Question, found: Sequence[Passage], verdict: Verdict) -> Verdict:
    """The least bad choice; still marked as insufficient."""
    option = guess(question, found)
    if option is None:
        return (
            verdict.model_copy(update={"answer": verdict.observations[0].text})
            if (verdict.observations)
            else verdict
        )
    return verdict.model_copy(
        update={"answer": question.options[option], "choice": question.letters[option]}
    )


def _observed(found: Sequence[Passage]) -> list[Observation]:
    """The best passages, each text once, in order of time."""
    seen: dict[str, Passage] = {}
    for passage in found:
        if not any(passage.text in text for text in seen):
            seen[passage.text] = passage
    best = sorted(list(seen.values())[:_MOST_OBSERVED], key=lambda passage: passage.time)
    return [Observation(time=passage.time, text=passage.text[:_LONGEST]) for passage in best]


def _clarity(pages: Sequence[_Page], decision: Decision) -> float:
    """The lowest recogniser score among the lines that carry the answer."""
    rows = {row for passage in decision.carriers for row in passage.rows}
    scores = [
        line.score for page in pages for line in page.lines if any(line.text in row for row in rows)
    ]
    return min(1.0, max(0.0, min(scores, default=0.0)))


def _pixels(frame: Frame) -> npt.NDArray[np.uint8]:
    from PIL import Image

    with Image.open(BytesIO(frame.jpeg)) as picture:
        return np.asarray(picture.convert("RGB"))


def _thumbnail(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    from PIL import Image

    small = Image.fromarray(rgb).convert("L").resize(_THUMBNAIL, Image.Resampling.BOX)
    return np.asarray(small, dtype=np.int16)
