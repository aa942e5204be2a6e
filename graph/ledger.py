"""The evidence ledger: what was really shown, and what an inspector said of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)

from videoseal.core.text import clean_text
from videoseal.graph.seal import seal
from videoseal.models.types import (
    EvidenceNote,
    Observation,
    Question,
    SearchMoreReason,
    SpokenLine,
    Verdict,
)

__all__ = [
    "Downgrade",
    "Evidence",
    "Settled",
    "ShownFrame",
    "append_evidence",
    "carried",
    "next_number",
    "note_of",
    "sealed",
    "settle",
]

_SNAP_SECONDS: Final = 0.5
"""How far an observation's time may lie from a shown frame: models round what they read."""
_MAX_OBSERVATIONS: Final = 64
_MAX_TEXT: Final = 2000
"""Characters kept of any one text in a verdict, so that the state stays small."""

Downgrade = Literal["no_observation", "no_answer", "bad_choice"]
"""Why a "sufficient" verdict was not believed."""


class ShownFrame(BaseModel):
    """One frame that an inspector really saw."""

    model_config = ConfigDict(frozen=True)

    time: float
    """Presentation time in seconds."""
    sha256: str
    """Of the JPEG bytes that were shown."""
    ref: str
    """Name in the frame cache; served as `/frames/{video_id}/{ref}.jpg`."""


class Evidence(BaseModel):
    """One entry of the ledger: one inspection."""

    model_config = ConfigDict(frozen=True)

    id: str
    """`e1`, `e2`, ... in the order of inspection."""
    spans: list[tuple[float, float]]
    """What was asked to be inspected, in seconds, cut to the video."""
    frames: list[ShownFrame] = Field(min_length=1)
    """What was shown, in order of time."""
    lines: list[SpokenLine] = Field(default_factory=list, exclude_if=lambda lines: not lines)
    """What was said there, as the inspector read it."""
    sufficient: bool
    """Whether these frames alone settle the question, after the verdict was checked."""
    answer: str = ""
    choice: str | None = None
    reason: SearchMoreReason | None = None
    observations: list[Observation] = Field(default_factory=list)
    """Only those made of a shown frame or line; their times are those of the frames or lines."""
    missing: str = ""
    confidence: float = 0.0
    downgraded: Downgrade | None = None
    """Set where the inspector said "sufficient" and could not be believed."""
    forced: bool = False
    """Whether the inspector was told to guess; such an entry settles nothing."""
    inspector: str = ""
    """Name of the model that looked."""
    earlier: str = ""
    """The earlier question that this was looked at for; empty for the present one."""
    seal: str = ""
    """Made by the server over all of this, the question and the video; see `seal`."""

    def supporting(self) -> list[ShownFrame]:
        """The shown frames that an observation speaks of; of what was heard, the nearest."""
        times = {seen.time for seen in self.observations if seen.line is None}
        for line in self.heard():
            nearest = min(self.frames, key=lambda frame: _away(frame, line))
            times.add(nearest.time)
        return [frame for frame in self.frames if frame.time in times]

    def heard(self) -> list[SpokenLine]:
        """The lines that an observation speaks of."""
        numbers = {seen.line for seen in self.observations}
        return [line for number, line in enumerate(self.lines, 1) if number in numbers]


def _away(frame: ShownFrame, line: SpokenLine) -> float:
    """How far a frame lies from a line, in seconds; least in the middle of it."""
    outside = max(line.start - frame.time, frame.time - line.end, 0.0)
    return outside + abs(frame.time - (line.start + line.end) / 2) * 1e-3


def append_evidence(
    ledger: list[dict[str, Any]], new: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The ledger's reducer: entries keep the number they were announced with, or get the next."""
    numbered = [entry for entry in ledger if isinstance(entry, dict)]
    taken = {entry.get("id") for entry in numbered}
    for entry in (entry for entry in new if isinstance(entry, dict)):
        name = entry.get("id")
        if not name or name in taken:
            name = f"e{next_number(numbered)}"
        taken.add(name)
        numbered.append({**entry, "id": name})
    return numbered


def next_number(ledger: Sequence[Mapping[str, Any]]) -> int:
    """One more than the highest number in the ledger."""
    names = (str(entry.get("id")) for entry in ledger)
    return max((int(name[1:]) for name in names if name[1:].isdecimal()), default=0) + 1


def sealed(entry: Evidence, key: bytes, topic: str) -> dict[str, Any]:
    """The entry as the state holds it, sealed for the question and video of `topic`."""
    plain = entry.model_dump(mode="json")
    return {**plain, "seal": seal(key, plain, topic)}


def carried(entry: Evidence, question: Question) -> Evidence:
    """An entry of an earlier question for another one: what was seen stays, what it meant goes."""
    bare = {"sufficient": False, "answer": "", "choice": None, "reason": None, "missing": ""}
    return entry.model_copy(update={**bare, "earlier": entry.earlier or question.text})


def note_of(entry: Evidence) -> EvidenceNote:
    """The entry as an answerer reads it."""
    return EvidenceNote(
        id=entry.id,
        spans=entry.spans,
        shown=[frame.time for frame in entry.frames],
        sufficient=entry.sufficient,
        earlier=entry.earlier,
        reason=entry.reason,
        observations=entry.observations,
        missing=entry.missing,
    )


class Settled(NamedTuple):
    """A verdict after checking it against the frames, and why it was downgraded if it was."""

    verdict: Verdict
    downgraded: Downgrade | None


def settle(
    verdict: Verdict,
    question: Question,
    shown: Sequence[float],
    lines: Sequence[SpokenLine] = (),
    *,
    forced: bool = False,
) -> Settled:
    """Keep of a verdict what the shown frames, the lines and the question allow.

    Observations move to the nearest shown frame or to the line of their number, or are dropped;
    "sufficient" holds only with an observation left, an answer, and a letter that exists. A forced
    verdict is a guess: it keeps its answer and is never sufficient.
    """
    kept = _observed(verdict.observations, shown, lines)
    choice, answer = _answer_of(verdict, question)
    down: Downgrade | None = None
    if verdict.sufficient and not forced:
        if not kept:
            down = "no_observation"
        elif question.options and choice is None:
            down = "bad_choice"
        elif not answer:
            down = "no_answer"
    sufficient = verdict.sufficient and not forced and down is None
    return Settled(
        Verdict(
            sufficient=sufficient,
            answer=answer if sufficient or forced else "",
            choice=choice if sufficient or forced else None,
            reason=None if sufficient else verdict.reason or "PARTIAL_EVIDENCE",
            observations=kept,
            missing="" if sufficient else clean_text(verdict.missing[:_MAX_TEXT]),
            confidence=verdict.confidence,
        ),
        down,
    )


def _answer_of(verdict: Verdict, question: Question) -> tuple[str | None, str]:
    """The valid letter if there is one, and the words; a letter alone means its option."""
    answer = clean_text(verdict.answer.strip()[:_MAX_TEXT])
    if not question.options:
        return None, answer
    option = question.option(verdict.choice)
    return (None, answer) if option is None else (verdict.choice, answer or option)


def _observed(
    observations: Sequence[Observation], shown: Sequence[float], lines: Sequence[SpokenLine]
) -> list[Observation]:
    kept: list[Observation] = []
    for seen in observations[: 4 * _MAX_OBSERVATIONS]:
        text = clean_text(seen.text.strip()[:_MAX_TEXT])
        if not text or not shown or not math.isfinite(seen.time):
            continue
        if seen.line is not None:
            if 1 <= seen.line <= len(lines):
                at = lines[seen.line - 1].start
                kept.append(Observation(time=at, text=text, line=seen.line))
            continue
        nearest = min(shown, key=lambda time: abs(time - seen.time))
        if abs(nearest - seen.time) <= _SNAP_SECONDS:
            kept.append(Observation(time=nearest, text=text))
    return kept[:_MAX_OBSERVATIONS]
