"""The evidence ledger: what was really shown, and what an inspector said of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from videoseal.core.text import clean_text
from videoseal.models.types import (
    EvidenceNote,
    Observation,
    Question,
    SearchMoreReason,
    Verdict,
)

__all__ = ["Downgrade", "Evidence", "Settled", "ShownFrame", "append_evidence", "note_of", "settle"]

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
    sufficient: bool
    """Whether these frames alone settle the question, after the verdict was checked."""
    answer: str = ""
    choice: str | None = None
    reason: SearchMoreReason | None = None
    observations: list[Observation] = Field(default_factory=list)
    """Only those made of a shown frame; their times are those of the frames."""
    missing: str = ""
    confidence: float = 0.0
    downgraded: Downgrade | None = None
    """Set where the inspector said "sufficient" and could not be believed."""
    forced: bool = False
    """Whether the inspector was told to guess; such an entry settles nothing."""
    inspector: str = ""
    """Name of the model that looked."""

    def supporting(self) -> list[ShownFrame]:
        """The shown frames that an observation speaks of."""
        times = {seen.time for seen in self.observations}
        return [frame for frame in self.frames if frame.time in times]


def append_evidence(ledger: list[Evidence], new: list[Evidence]) -> list[Evidence]:
    """The ledger's reducer: it only grows, and its ids count up without a gap."""
    for number, entry in enumerate(new, start=len(ledger) + 1):
        if entry.id != f"e{number}":
            raise ValueError(f"the ledger holds {number - 1} entries; {entry.id} cannot follow")
    return [*ledger, *new]


def note_of(entry: Evidence) -> EvidenceNote:
    """The entry as an answerer reads it."""
    return EvidenceNote(
        id=entry.id,
        spans=entry.spans,
        shown=[frame.time for frame in entry.frames],
        sufficient=entry.sufficient,
        reason=entry.reason,
        observations=entry.observations,
        missing=entry.missing,
    )


class Settled(NamedTuple):
    """A verdict after checking it against the frames, and why it was downgraded if it was."""

    verdict: Verdict
    downgraded: Downgrade | None


def settle(
    verdict: Verdict, question: Question, shown: Sequence[float], *, forced: bool = False
) -> Settled:
    """Keep of a verdict what the shown frames and the question allow.

    Observations move to the nearest shown frame or are dropped; "sufficient" holds only with an
    observation left, an answer, and a letter that exists. A forced verdict is a guess: it keeps
    its answer and is never sufficient.
    """
    kept = _observed(verdict.observations, shown)
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


def _observed(observations: Sequence[Observation], shown: Sequence[float]) -> list[Observation]:
    kept: list[Observation] = []
    for seen in observations[: 4 * _MAX_OBSERVATIONS]:
        text = seen.text.strip()
        if not text or not shown or not math.isfinite(seen.time):
            continue
        nearest = min(shown, key=lambda time: abs(time - seen.time))
        if abs(nearest - seen.time) <= _SNAP_SECONDS:
            kept.append(Observation(time=nearest, text=clean_text(text[:_MAX_TEXT])))
    return kept[:_MAX_OBSERVATIONS]
