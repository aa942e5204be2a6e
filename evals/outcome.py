"""What one run of one question came to, read off its episode: all that any score needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.span import Span
from evals.answers import parse_choice
from evals.grounding import Looked, Window
from evals.item import Item
from evals.official import Prediction
from evals.records import SampleRecord
from graph.answers import Answer
from graph.evidence import Evidence

__all__ = ["Outcome", "Status", "looked_at", "outcome_of"]

Status = Literal["answered", "forced", "abstained", "errored"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question, one system, one result."""

    item: Item
    status: Status
    letter: str | None
    """The chosen option; None for no answer."""
    text: str
    """The answer in words."""
    confidence: float
    looked: Looked
    duration: float
    """Of the video, in seconds; 0 where unknown."""
    proven: bool
    """Whether the system itself claims proof: unforced, with inspected frames cited."""
    semantic: Mapping[str, bool] = field(default_factory=dict)
    """Verdicts on semantic groundedness by judge."""

    @property
    def right(self) -> bool:
        """Strictly: the gold letter; for what has no answer, to have given none."""
        if not self.item.answerable:
            return self.status == "abstained"
        return self.letter is not None and self.letter == self.item.answer

    @property
    def prediction(self) -> Prediction:
        """What would be submitted to the official scorer."""
        return Prediction(self.letter, self.looked.cited)


def outcome_of(record: SampleRecord) -> Outcome:
    """Judge nothing, only gather: the letter by the shared strict parser, the frames shown."""
    episode = record.episode or {}
    ledger = [Evidence.model_validate(entry) for entry in episode.get("evidence", [])]
    answer = Answer.model_validate(episode["answer"]) if "answer" in episode else None
    looked = looked_at(answer, ledger)
    item, duration = record.item, record.duration
    if record.error is not None or answer is None:
        return Outcome(item, "errored", None, "", 0.0, looked, duration, proven=False)
    status: Status = "forced" if answer.forced else answer.outcome
    letter = answer.choice
    if letter is None and item.question.options:
        letter = parse_choice(answer.text, item.question.letters)
    return Outcome(
        item, status, letter, answer.text, answer.confidence, looked, duration,
        proven=answer.proven, semantic=record.semantic,
    )  # fmt: skip


def looked_at(answer: Answer | None, evidence: Sequence[Evidence]) -> Looked:
    """The windows with the frames really shown from each, and what the answer cites of them."""
    windows = [
        Window(
            Span(start, end),
            tuple(frame.time for frame in entry.frames if start <= frame.time < end),
        )
        for entry in evidence
        for start, end in entry.spans
    ]
    citations = answer.citations if answer else []
    frames = [frame.time for citation in citations for frame in citation.frames]
    spans = [Span(*pair) for citation in citations for pair in citation.spans]
    cited = [span for span in spans if any(span.contains(time) for time in frames)]
    return Looked(windows=windows, cited=cited, cited_frames=frames)
