"""What passes between the program and its model roles."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Generic, Literal, NamedTuple, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
)

from videoseal.core.span import Span

__all__ = [
    "AnswerDraft",
    "AnswerRequest",
    "CaptionRequest",
    "EvidenceLine",
    "EvidenceNote",
    "Frame",
    "InspectRequest",
    "JudgeRequest",
    "Match",
    "MatchRequest",
    "Observation",
    "Question",
    "Reply",
    "Ruling",
    "SearchMoreReason",
    "SpokenLine",
    "Usage",
    "Verdict",
    "own_letters",
]

T = TypeVar("T")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OPENING = "(\uff08[\u3010"
_ORDER = re.compile(r"(?:\W*[A-Za-z](?!\w))+\W*")
_OWN_LETTER = re.compile(
    r"\s*[(\uff08\[\u3010]?([A-Za-z])[)\uff09\]\u3011.\uff0e:\uff1a\u3001](?!\w\.)\s*(?=\S)"
)

SearchMoreReason = Literal[
    "SPAN_MISMATCH", "PARTIAL_EVIDENCE", "VISUAL_UNCLEAR", "IDENTITY_AMBIGUOUS"
]
"""Why frames do not settle a question: wrong place, part of it, unreadable, or who is unclear."""


class Usage(NamedTuple):
    """What calls cost; sums with `plus`."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    frames: int = 0
    seconds: float = 0.0

    def plus(self, other: Usage) -> Usage:
        """The sum of both, field by field."""
        return Usage._make(mine + its for mine, its in zip(self, other, strict=True))


class _Priced(NamedTuple, Generic[T]):
    value: T
    usage: Usage


class Reply(_Priced[T]):
    """A role's answer and what it cost."""

    mended: tuple[str, ...] = ()
    """Kinds of mending that its form needed, such as `wrapped` or `asked again`; no part of it."""

    def mended_by(self, *kinds: str) -> Reply[T]:
        """The same, with what its form needed."""
        reply = Reply(self.value, self.usage)
        reply.mended = kinds
        return reply


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as a model is shown it."""

    time: float
    """Presentation time in seconds, of the frame itself and not of the wish for it."""
    jpeg: bytes = field(repr=False)
    """The picture, JPEG."""

    @property
    def sha256(self) -> str:
        """Hash of the JPEG bytes, hexadecimal."""
        return hashlib.sha256(self.jpeg).hexdigest()


class Question(BaseModel):
    """What the user asks; `options` makes it multiple choice."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(min_length=1, max_length=8000)
    options: list[str] = Field(default_factory=list, max_length=26)
    """Option texts; the first is A. Letters that all of them carry in order are taken away."""

    @field_validator("options")
    @classmethod
    def _without_letters(cls, options: list[str]) -> list[str]:
        # Until none is left: a question that is read again must be the same question.
        while len(options) > 1 and "".join(own_letters(options)) == _LETTERS[: len(options)]:
            options = [_OWN_LETTER.sub("", option, count=1) for option in options]
        return options

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.split():
            raise ValueError("a question must not be blank")
        return text

    @property
    def letters(self) -> str:
        """The valid choices, such as `ABCD`; empty for an open question."""
        return _LETTERS[: len(self.options)]

    def option(self, letter: str | None) -> str | None:
        """The text of the option with that letter, exactly; None where there is none."""
        known = dict(zip(self.letters, self.options, strict=True))
        return known.get(letter) if letter else None

    def lettered(self) -> list[str]:
        """The options as `(A) text` lines."""
        return [f"({a}) {b}" for a, b in zip(self.letters, self.options, strict=True)]

    def render(self) -> str:
        """The question as every role reads it; `parse` is the inverse."""
        lines = [f"Question: {' '.join(self.text.split())}"]
        if self.options:
            flat = [" ".join(option.split()) for option in self.lettered()]
            lines += ["Options:", *flat]
        return "\n".join(lines)

    @classmethod
    def parse(cls, text: str) -> Question:
        """Find a rendered question in `text`; ValueError when there is none."""
        match = re.search(
            r"^Question: (.+)((?:\nOptions:(?:\n\([A-Z]\)(?: .*)?$)+)?)", text, re.MULTILINE
        )
        if match is None:
            raise ValueError("no line starts with 'Question: '")
        options = [line[4:] for line in match.group(2).splitlines() if line.startswith("(")]
        return cls(text=match.group(1), options=options)


def own_letters(options: list[str]) -> list[str]:
    """The letter that each option carries, as in `A. one` and `(b) two`; empty for none.

    That of an order, such as `(a)(c)(b)`, is no option's own; that of `A. (a)(c)(b)` is.
    """
    return [_own_letter(text) for text in options]


def _own_letter(text: str) -> str:
    found = _OWN_LETTER.match(text)
    if found is None:
        return ""
    rest, bracketed = text[found.end() :], found[0].lstrip()[0] in _OPENING
    alike = bracketed == (rest[0] in _OPENING) or rest[0] in "-\u2013>\u2192,;="
    lone = not bracketed and len(rest.strip(" .")) == 1
    return "" if alike and not lone and _ORDER.fullmatch(rest) else found[1].upper()


class SpokenLine(BaseModel):
    """One line of subtitles or of recognised speech, as an inspector reads it."""

    model_config = ConfigDict(frozen=True)

    start: float
    """In seconds, as `end`."""
    end: float
    text: str
    source: str
    """The subtitle file, or the name of the recogniser."""


class Observation(BaseModel):
    """Something seen in one frame, or heard in one line."""

    time: float
    """Of the frame, or where the line starts; in seconds."""
    text: str
    """What is seen or read there, or what the line says."""
    line: int | None = Field(default=None, exclude_if=lambda line: line is None)
    """Number of the line among those that were shown, from 1; None for what is seen."""


class Verdict(BaseModel):
    """What an inspector says of the frames it was shown."""

    sufficient: bool
    """Whether these frames alone settle the question."""
    answer: str = ""
    """The answer in words; empty unless sufficient."""
    choice: str | None = None
    """The option's letter for multiple choice; None unless sufficient."""
    reason: SearchMoreReason | None = None
    """Why more search is needed; None when sufficient."""
    observations: list[Observation] = Field(default_factory=list)
    """What supports the verdict, frame by frame."""
    missing: str = ""
    """What is still needed, in words; empty when sufficient."""
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    """The model's own confidence."""
    shown: list[float] | None = Field(default=None, exclude=True)
    """Times of the frames that the model was really shown, where that is told; no part of it."""


class EvidenceNote(BaseModel):
    """One entry of the evidence ledger as the answerer reads it."""

    id: str
    """Ledger id, such as `e1`."""
    spans: list[tuple[float, float]]
    """The inspected spans, in seconds."""
    shown: list[float]
    """Timestamps of the frames really shown, in seconds."""
    sufficient: bool
    """The inspector's verdict."""
    earlier: str = ""
    """The earlier question that it was looked at for; empty for the present one."""
    reason: SearchMoreReason | None = None
    observations: list[Observation] = Field(default_factory=list)
    missing: str = ""


class AnswerDraft(BaseModel):
    """What an answerer proposes; the answer node checks it against the ledger."""

    supported: bool
    """Whether the evidence carries the answer."""
    answer: str = ""
    choice: str | None = None
    cites: list[str] = Field(default_factory=list)
    """Ledger ids that carry the answer."""
    why: str = ""
    """One sentence: how the evidence carries it, or what is missing."""
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)


@dataclass(frozen=True, slots=True)
class InspectRequest:
    """What an inspector is asked."""

    question: Question
    spans: list[Span]
    frames: list[Frame]
    """In order of time; what is shown here is what the ledger records."""
    duration: float
    """Length of the whole video, in seconds."""
    focus: list[str] = field(default_factory=list)
    """Look-for list of the planner; only when the run allows that channel."""
    notes: str = ""
    """Free text of the planner; only when the run allows that channel."""
    forced: bool = False
    """Whether a best guess is wanted even from insufficient frames."""
    lines: list[SpokenLine] = field(default_factory=list)
    """What is said in the spans, in order of time."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """What an answerer is asked: the question and the ledger, never the planner's text."""

    question: Question
    evidence: list[EvidenceNote]
    forced: bool = False
    """Whether a best guess is wanted even from insufficient evidence."""


@dataclass(frozen=True, slots=True)
class CaptionRequest:
    """What a captioner is asked: one clip."""

    span: Span
    frames: list[Frame]
    """At `caption_fps`, in order of time."""
    measured: dict[str, str] = field(default_factory=dict)
    """What the pixels say without a model: `colours`, `motion`, `cuts`, `brightness`."""
    on_screen: list[str] = field(default_factory=list)
    """Texts read in this clip by OCR or taken from subtitles."""


class EvidenceLine(NamedTuple):
    """One thing that was noted of a video."""

    start: float
    """In seconds."""
    end: float
    """Equal to `start` for what was noted of a single frame."""
    text: str


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """What a judge is asked: whether this evidence carries this answer, and nothing of whose it is.

    `evals.judging.blind_view` makes it from a record, without what tells the systems apart.
    """

    question: Question
    choice: str | None
    """The letter of the proposed option; None for an open question."""
    answer: str
    """The proposed answer in words; the option's own text where there is one."""
    evidence: list[EvidenceLine]
    """In order of time."""
    left_out: int = 0
    """Lines that there was no room for."""

    @property
    def sha256(self) -> str:
        """Hash of all of it, hexadecimal: requests of one hash are the same to every judge."""
        values = {**asdict(self), "question": self.question.model_dump()}
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


class Ruling(BaseModel):
    """What a judge says."""

    grounded: bool
    """Whether the evidence alone suffices to derive the answer."""
    why: str = ""
    """How the evidence carries the answer, or where it fails to."""
    missing: str = ""
    """What the evidence lacks; empty when grounded."""


@dataclass(frozen=True, slots=True)
class MatchRequest:
    """What a judge is asked of an answer in words: whether it says what the reference says."""

    question: Question
    answer: str
    """The proposed answer."""
    reference: str
    """The published one."""


class Match(BaseModel):
    """What a judge says of two answers."""

    same: bool
    """Whether whoever asked is told the same by both."""
    why: str = ""
    """What agrees, or what is missing or different."""
