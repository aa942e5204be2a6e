"""What one run of one question came to, read off its episode: all that any score needs.

A letter that stands in words is read by the reader of letters, for every mode alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from videoseal.core.span import Span
from videoseal.evals.item import Item
from videoseal.evals.records import SampleRecord
from videoseal.evals.scoring.cost import NO_COST, Cost, ModelTokens, cost_of, model_tokens
from videoseal.evals.scoring.grounding import LookedAt, Window
from videoseal.evals.scoring.record_view import AnswerPart, Scorable, Seen, scorable
from videoseal.models.reading.letters import parse_choice

__all__ = [
    "MISSING_VIDEO",
    "SampleResult",
    "Status",
    "looked_at",
    "outcome_of",
    "parse_choice",
]

Status = Literal["answered", "forced", "abstained", "errored"]
MISSING_VIDEO: Final = "MissingVideo"
"""Error type of samples whose video file was not there."""


@dataclass(frozen=True, slots=True)
class SampleResult:
    """One question, one system, one result."""

    item: Item
    status: Status
    letter: str | None
    """The chosen option; None for no answer."""
    text: str
    """The answer in words."""
    confidence: float
    looked: LookedAt
    duration: float
    """Of the video, in seconds; 0 where unknown."""
    proven: bool
    """Whether the system itself claims proof: unforced, with inspected frames cited."""
    semantic: Mapping[str, bool] = field(default_factory=dict)
    """Verdicts on semantic groundedness by judge."""
    error: str = ""
    """Type of the error; empty when there was none."""
    cost: Cost = NO_COST
    tokens: tuple[ModelTokens, ...] = ()
    """By model, to be priced."""

    @property
    def right(self) -> bool:
        """Strictly: the gold letter, or the value; for what has no answer, to have given none."""
        if not self.item.answerable:
            return self.status == "abstained"
        if self.item.exact:
            return self.status in ("answered", "forced") and _says(self.text, self.item.answer)
        return self.letter is not None and self.letter == self.item.answer


def outcome_of(record: SampleRecord | Scorable) -> SampleResult:
    """Judge nothing, only gather: the letter by the shared strict parser, the frames shown.

    Raises SpanError for a record whose spans are none.
    """
    sample = record if isinstance(record, Scorable) else scorable(record)
    item, episode = sample.item, sample.episode
    answer = episode.answer if episode else None
    looked = looked_at(answer, episode.evidence if episode else ())
    spent, tokens = cost_of(sample), model_tokens(episode)
    if sample.error is not None or answer is None:
        why = sample.error.type if sample.error else "NoAnswer"
        return SampleResult(
            item, "errored", None, "", 0.0, looked, sample.duration, proven=False,
            error=why, cost=spent, tokens=tokens,
        )  # fmt: skip
    status: Status = "forced" if answer.forced else answer.outcome
    letter = answer.choice
    if letter is None and item.question.options:
        letter = parse_choice(answer.text, item.question.letters)
    return SampleResult(
        item, status, letter, answer.text, answer.confidence, looked, sample.duration,
        proven=answer.proven, semantic=sample.semantic, cost=spent, tokens=tokens,
    )  # fmt: skip


def looked_at(answer: AnswerPart | None, evidence: Sequence[Seen]) -> LookedAt:
    """The windows with the frames really shown from each, and what the answer cites of them."""
    windows = []
    for entry in evidence:
        times = [frame["time"] for frame in entry["frames"]]
        for start, end in entry["spans"]:
            inside = tuple(time for time in times if start <= time < end)
            windows.append(Window(Span(start, end), inside))
    citations = answer.citations if answer else []
    frames = [frame["time"] for citation in citations for frame in citation["frames"]]
    spans = [Span(*pair) for citation in citations for pair in citation["spans"]]
    cited = [span for span in spans if any(span.contains(time) for time in frames)]
    return LookedAt(windows=windows, cited=cited, cited_frames=frames)


def _says(text: str, value: str) -> bool:
    """Whether `value` stands in `text` as a whole word or number."""
    alone = rf"(?<![0-9a-z])(?<![0-9][.:]){re.escape(value)}(?![.:]?[0-9]|[a-z])"
    return re.search(alone, text, re.IGNORECASE) is not None
