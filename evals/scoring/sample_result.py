"""What one run of one question came to, read off its episode: all that any score needs.

A letter that stands in words is read by `parse_choice`, for every mode alike.
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


_ALONE: Final = re.compile(r"[\s*_`\"']*[(\[]?([A-Z])[)\]]?[\s*_`\"'.:]*", re.IGNORECASE)
_LEADING: Final = re.compile(r"\s*[*_]*[(\[]?([A-Z])(?:[)\]][.:]?|[.:])[*_]*\s+\S")
_LETTER: Final = r"[*_]*(?:option\s+|choice\s+)?[(\[]?([A-Z])[)\]]?[*_]*(?![\w'\u2019])"
_STATED: Final = re.compile(
    r"(?:\b(?:answer|choice|option|one|it)(?:\s+(?:is|must\s+be|should\s+be|would\s+be))?\s*[:=]?"
    r"|\bcorrect(?:\s+\w+)?\s+is|\b(?:so|thus|therefore|hence|but)[,:]?|\b(?:choose|pick|select)(?:s|ed)?"
    r"|\u7b54\u6848(?:\u662f|\u4e3a)?[:\uff1a]?|\u9009(?:\u62e9|\u9879)?)\s*" + _LETTER,
    re.IGNORECASE,
)
_BRACKETED: Final = re.compile(r"[(\[]([A-Z])[)\]]")
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|isn't|never|neither|nor|except|rather\s+than|instead\s+of|unlike|wrong|cannot\s+be"
    r"|rule[sd]?\s+out|eliminates?d?)\b|\u4e0d\u662f)(?:\s+(?:be|option|choice|the|answer))*[\s:]*$",
    re.IGNORECASE,
)
_DENIED: Final = re.compile(
    r"[)\]]?[*_]*\s*(?:(?:is|are|was)\s+(?:not|wrong|incorrect|false|ruled\s+out)|isn't|cannot)\b",
    re.IGNORECASE,
)


def parse_choice(text: str, letters: str) -> str | None:
    """The option's letter that `text` gives as the answer, or None when it gives none or several.

    `letters` are the valid choices, such as `ABCD`.
    """
    stripped = text.strip()
    if match := _ALONE.fullmatch(stripped):
        return _valid(match.group(1), letters)
    for pattern in (_STATED, _BRACKETED):
        found = {
            letter
            for match in pattern.finditer(stripped)
            if _upper_or_marked(match) and not _negated(match)
            if (letter := _valid(match.group(1), letters))
        }
        if len(found) == 1:
            return found.pop()
        if found:
            return None
    if match := _LEADING.match(stripped):
        return _valid(match.group(1), letters)
    return None


def _valid(letter: str, letters: str) -> str | None:
    return letter.upper() if letter.upper() in letters else None


def _upper_or_marked(match: re.Match[str]) -> bool:
    """A lower-case or bare `a` after a cue is the article, not option A."""
    letter = match.group(1)
    start, end = match.span(1)
    text = match.string
    marked = text[start - 1 : start] in "([" and text[end : end + 1] in tuple(")]")
    if marked:
        return letter.isupper()
    rest = text[end:].lstrip("*_")
    ends = not rest or rest[0] in ".,;:!?)\n" or rest.lstrip()[:1] in ("", "-", "\u2014", "(")
    follows = re.match(r"\s+(?:because|since|as|which|is|and|with|at|in)\b", rest)
    return letter.isupper() and (
        bool(ends) or (letter != "A" and bool(follows)) or letter not in "AI"
    )


def _negated(match: re.Match[str]) -> bool:
    """Whether a negation stands right before the letter and its bracket, or right after."""
    text, start, end = match.string, *match.span(1)
    if text[start - 1 : start] in tuple("(["):
        start -= 1
    return bool(_NEGATED.search(text[:start]) or _DENIED.match(text, end))
