"""The answer, and the only ways to build one: each checks what it claims against the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    computed_field,
    model_validator,
)

from videoseal.core.text import CleanText
from videoseal.graph.ledger import Evidence, ShownFrame
from videoseal.graph.seal import holds, seal
from videoseal.models.types import AnswerDraft, Question, SpokenLine

__all__ = [
    "Answer",
    "Author",
    "Cause",
    "Citation",
    "Unproven",
    "abstain",
    "cited_faults",
    "guess",
    "prove",
    "sealed_answer",
    "verify",
]

Author = Literal["inspector", "answerer", "planner", "none"]
Cause = Literal[
    "gave_up", "steps", "frames", "tokens", "dollars", "time", "no_call", "repeated", "rejected",
    "no_choice", "error",
]  # fmt: skip
"""Why there is no proven answer: the planner gave up, a budget was spent, the planner stopped
calling tools or only repeated itself, the evidence did not carry an answer, a guess named no
option, or a failure."""


class Unproven(ValueError):
    """An answer cites nothing that was inspected, or names no valid option."""


class Citation(BaseModel):
    """One inspection that carries the answer."""

    model_config = ConfigDict(frozen=True)

    evidence: str
    """Ledger id."""
    spans: list[tuple[float, float]]
    """The inspected spans, in seconds."""
    frames: list[ShownFrame] = Field(min_length=1)
    """The shown frames in which the support was seen, or which were up while it was said."""
    seen: list[str]
    """What was seen in them, or heard."""
    lines: list[SpokenLine] = Field(default_factory=list, exclude_if=lambda lines: not lines)
    """The lines in which the support was heard."""


class Answer(BaseModel):
    """The outcome of one question."""

    model_config = ConfigDict(frozen=True, title="Answer")

    outcome: Literal["answered", "abstained"]
    forced: bool = False
    """Whether this is a guess that the caller asked for (or a baseline that always answers)."""
    text: CleanText = ""
    """The answer in words; empty when abstained."""
    choice: str | None = None
    """The option's letter for multiple choice."""
    citations: list[Citation] = Field(default_factory=list)
    cause: Cause | None = None
    """Why there is no proof; None for a proven answer."""
    reason: CleanText = ""
    """Why, in words: how the evidence carries the answer, or why there is none."""
    confidence: float = 0.0
    by: Author = "none"
    """Who had the authority: in `decoupled` never the planner."""
    about: str = ""
    """The question and video that it answers, as a hash."""
    seal: str = ""
    """Made by the server; an answer of the served graph without one is not kept."""

    @computed_field(description="Whether inspected frames carry this answer.")  # type: ignore[prop-decorator]
    @property
    def proven(self) -> bool:
        """Whether inspected frames carry this answer."""
        return bool(self.citations) and not self.forced and self.by in ("inspector", "answerer")

    @model_validator(mode="after")
    def _holds_together(self) -> Answer:
        if self.outcome == "abstained" and (self.text or self.choice or self.citations):
            raise Unproven("an abstention says nothing and cites nothing")
        if self.outcome == "answered" and not (self.text or self.choice):
            raise Unproven("an answer must say something")
        if self.outcome == "answered" and not (self.proven or self.forced or self.by == "planner"):
            raise Unproven("an unforced answer must cite inspected frames")
        return self


def prove(draft: AnswerDraft, question: Question, ledger: Sequence[Evidence], by: Author) -> Answer:
    """An unforced answer whose every citation is an inspection of the ledger.

    Raises Unproven when the draft is unsupported, cites nothing, cites what is not in the ledger
    or showed nothing, or names no valid option.
    """
    if not draft.supported:
        raise Unproven(draft.why or "the evidence does not carry an answer")
    choice, text = _checked(draft, question)
    return Answer(
        outcome="answered",
        text=text,
        choice=choice,
        citations=_citations(draft.cites, ledger),
        reason=draft.why,
        confidence=draft.confidence,
        by=by,
    )


def guess(
    draft: AnswerDraft,
    question: Question,
    ledger: Sequence[Evidence],
    by: Author,
    *,
    forced: bool = True,
    cause: Cause | None = None,
) -> Answer:
    """An answer without the claim of proof: forced, or the planner's own in `coupled`.

    Citations that do not hold are left out; raises Unproven when it names no valid option.
    """
    choice, text = _checked(draft, question)
    try:
        citations = _citations(draft.cites, ledger)
    except Unproven:
        citations = []
    return Answer(
        outcome="answered",
        forced=forced,
        text=text,
        choice=choice,
        citations=citations,
        cause=cause,
        reason=draft.why,
        confidence=draft.confidence,
        by=by,
    )


def abstain(cause: Cause, reason: str) -> Answer:
    """No answer, and why."""
    return Answer(outcome="abstained", cause=cause, reason=reason)


def sealed_answer(answer: Answer, key: bytes, topic: str) -> dict[str, Any]:
    """The answer as the state holds it, sealed for the question and video of `topic`."""
    plain = {**answer.model_dump(mode="json"), "about": topic}
    return {**plain, "seal": seal(key, plain, topic)}


def verify(answer: Answer, ledger: Sequence[Evidence], key: bytes, topic: str) -> list[str]:
    """What is wrong with the proof that an answer claims for the question and video of `topic`.

    Nothing is wrong where the answer and every entry that it cites carry the seal of the key, and
    the citations say of the entries what these say. An answer that claims no proof has none.
    """
    if not answer.proven:
        return ["the answer claims no proof"]
    faults = cited_faults(answer, ledger)
    if not holds(key, answer.model_dump(mode="json"), topic):
        faults.append("the answer's seal is not of this server, question and video")
    cited = {part.evidence for part in answer.citations}
    for entry in (entry for entry in ledger if entry.id in cited):
        if not holds(key, entry.model_dump(mode="json"), topic):
            faults.append(f"the seal of {entry.id} does not hold")
    return faults


def cited_faults(answer: Answer, ledger: Sequence[Evidence]) -> list[str]:
    """Where the citations of an answer say what the ledger does not; anyone can check it."""
    entries = {entry.id: entry for entry in ledger}
    faults: list[str] = []
    for cited in answer.citations:
        entry = entries.get(cited.evidence)
        if entry is None:
            faults.append(f"{cited.evidence} is not in the ledger")
        elif not (
            all(frame in entry.supporting() for frame in cited.frames)
            and all(line in entry.heard() for line in cited.lines)
        ):
            faults.append(f"{cited.evidence} does not show what is cited of it")
    return faults


def _checked(draft: AnswerDraft, question: Question) -> tuple[str | None, str]:
    text = draft.answer.strip()
    if not question.options:
        if not text:
            raise Unproven("the answer is empty")
        return None, text
    option = question.option(draft.choice)
    if option is None:
        raise Unproven(f"{draft.choice!r:.20} is none of the options {question.letters}")
    return draft.choice, text or option


def _citations(cites: Sequence[str], ledger: Sequence[Evidence]) -> list[Citation]:
    entries = {entry.id: entry for entry in ledger}
    found: list[Citation] = []
    for name in dict.fromkeys(cites):
        entry = entries.get(name)
        if entry is None:
            raise Unproven(f"{name!r:.40} is not in the ledger")
        frames = entry.supporting()
        if not frames:
            raise Unproven(f"nothing was seen in {name}")
        found.append(
            Citation(
                evidence=entry.id,
                spans=entry.spans,
                frames=frames,
                seen=[seen.text for seen in entry.observations],
                lines=entry.heard(),
            )
        )
    if not found:
        raise Unproven("the answer cites nothing")
    return found
