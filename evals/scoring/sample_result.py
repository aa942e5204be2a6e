"""What one run of one question came to: the part of a record that scores look at.

The rest of a record (the trajectory, hashes, texts seen) is skipped without being built. Nothing
here is about more than one sample, so rewards and progress use it as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field, field_validator

# pydantic needs this one before Python 3.12.
from typing_extensions import TypedDict

from videoseal.core.span import Span
from videoseal.evals.item import Item
from videoseal.evals.records import SampleRecord
from videoseal.evals.scoring.grounding import Chance, Grounding, LookedAt, Window, chance, ground
from videoseal.models.reading.letters import parse_choice

__all__ = ["MISSING_VIDEO", "STATUSES", "AnswerPart", "EpisodePart", "ErrorPart", "Prices",
           "SampleResult", "Seen", "Status", "StepPart", "TimePart", "TokensPart",
           "outcome_of"]  # fmt: skip

Status = Literal["answered", "forced", "abstained", "errored"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
MISSING_VIDEO: Final = "MissingVideo"
"""Error type of samples whose video file was not there."""
Prices = Mapping[str, tuple[float, float]]
"""Price of a million prompt and of a million completion tokens, by model name."""
_UNKNOWN: Final = (float("nan"), float("nan"))


def _is_span(pair: tuple[float, float]) -> tuple[float, float]:
    Span(*pair)
    return pair


class TimePart(TypedDict):
    """A shown frame."""

    time: float
    """Presentation time in seconds."""


class Seen(TypedDict):
    """An inspection, or a citation of one."""

    spans: list[Annotated[tuple[float, float], AfterValidator(_is_span)]]
    frames: list[TimePart]


class AnswerPart(BaseModel):
    """What was answered."""

    outcome: Literal["answered", "abstained"]
    forced: bool = False
    text: str = ""
    choice: str | None = None
    citations: list[Seen] = Field(default_factory=list)
    confidence: float = 0.0
    by: str = ""


class TokensPart(BaseModel):
    """What the calls of one role cost."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    frames: int = 0


class StepPart(TypedDict):
    """A turn of the planner; only counted."""

    number: int


class EpisodePart(BaseModel):
    """What the agent did and answered."""

    answer: AnswerPart
    evidence: list[Seen] = Field(default_factory=list)
    steps: list[StepPart] = Field(default_factory=list)
    usage: dict[str, TokensPart] = Field(default_factory=dict)
    models: dict[str, str] = Field(default_factory=dict)


class ErrorPart(BaseModel):
    """Why there is no answer."""

    type: str


class SampleResult(BaseModel):
    """One question, one system, one result; ValueError for one whose spans are none."""

    item: Item
    mode: str
    variant: str = ""
    duration: float = 0.0
    """Of the video, in seconds; 0 where unknown."""
    episode: EpisodePart | None = None
    error: ErrorPart | None = None
    seconds: float = 0.0
    semantic: dict[str, bool] = Field(default_factory=dict)
    """Verdicts on semantic groundedness by judge."""
    same: dict[str, bool] = Field(default_factory=dict)
    """Whether an answer in words says what the published one says, by judge."""
    compared: bool = False
    """Whether judges compare the answers of its run with the published ones."""
    offset: int = 0
    """Where its record begins in the run's file."""

    @property
    def answer(self) -> AnswerPart | None:
        """What was answered; None where the sample ended in an error."""
        return self.episode.answer if self.episode and not self.error else None

    @property
    def status(self) -> Status:
        """How it ended."""
        if self.answer is None:
            return "errored"
        return "forced" if self.answer.forced else self.answer.outcome

    @cached_property
    def letter(self) -> str | None:
        """The chosen option, also where it stands in words; None for no answer."""
        question, said = self.item.question, self.answer
        if said is not None and said.choice is None and question.options:
            return parse_choice(said.text, question.letters)
        return said.choice if said else None

    @property
    def text(self) -> str:
        """The answer in words."""
        return self.answer.text if self.answer else ""

    @property
    def confidence(self) -> float:
        """The system's own, in [0, 1]."""
        return self.answer.confidence if self.answer else 0.0

    @property
    def proven(self) -> bool:
        """Whether the system itself claims proof, by the same rule as `graph.answers.Answer`."""
        said = self.answer
        by = bool(said and said.citations and said.by in ("inspector", "answerer"))
        return by and self.status != "forced"

    @property
    def right(self) -> bool | None:
        """Strictly: the gold letter, or the value; for what has no answer, to have given none.

        None for free text that no judge compared with the published answer; most of them decide.
        """
        if not self.item.answerable:
            return self.status == "abstained"
        if self.item.exact:
            given = self.status in ("answered", "forced")
            return given and _says(self.text, self.item.answer)
        if self.item.prose:
            if self.status not in ("answered", "forced"):
                return False if self.compared else None
            return sum(self.same.values()) * 2 > len(self.same) if self.same else None
        return self.letter is not None and self.letter == self.item.answer

    @cached_property
    def looked(self) -> LookedAt:
        """The windows with the frames really shown from each, and what is cited of them."""
        evidence = self.episode.evidence if self.episode else []
        windows = [
            Window(Span(start, end), tuple(t for t in _times(entry) if start <= t < end))
            for entry in evidence
            for start, end in entry["spans"]
        ]
        citations = self.episode.answer.citations if self.episode else []
        frames = [time for citation in citations for time in _times(citation)]
        spans = [Span(*pair) for citation in citations for pair in citation["spans"]]
        cited = [span for span in spans if any(span.contains(time) for time in frames)]
        return LookedAt(windows=windows, cited=cited, cited_frames=frames)

    @cached_property
    def gold(self) -> list[Span]:
        """The gold spans; empty where the benchmark has none."""
        return [Span(start, end) for start, end in self.item.evidence]

    @cached_property
    def grounding(self) -> Grounding | None:
        """How what was looked at meets the gold spans; None where there are none."""
        return ground(self.looked, self.gold) if self.gold else None

    @cached_property
    def chance(self) -> Chance | None:
        """What luck would have reached; None where there are no gold spans."""
        if not self.gold:
            return None
        length = self.duration or max(span.end for span in self.gold)
        return chance(self.looked, self.gold, length)

    @property
    def cost(self) -> dict[str, float]:
        """Calls, tokens and frames of all models, turns of the planner, wall-clock seconds."""
        spent = self.episode and self.episode.usage.get("total")
        steps = len(self.episode.steps) if self.episode else 0
        return {**(spent or TokensPart()).model_dump(), "steps": steps, "seconds": self.seconds}

    def tokens(self) -> Iterator[tuple[str, TokensPart]]:
        """Model and tokens of every role that used any."""
        if self.episode:
            for role, used in self.episode.usage.items():
                if role != "total" and (used.prompt_tokens or used.completion_tokens):
                    yield self.episode.models.get(role, ""), used

    def money(self, prices: Prices) -> float:
        """What the tokens cost; NaN where a model that used some has no price."""
        known = ((prices.get(model, _UNKNOWN), used) for model, used in self.tokens())
        return sum(p * u.prompt_tokens + c * u.completion_tokens for (p, c), u in known) / 1e6

    @field_validator("item")
    @classmethod
    def _gold_is_spans(cls, item: Item) -> Item:
        for pair in item.evidence:
            _is_span(pair)
        return item


def outcome_of(record: SampleRecord) -> SampleResult:
    """What a whole record came to; ValueError for one whose spans are none."""
    return SampleResult.model_validate(record, from_attributes=True)


def _says(text: str, value: str) -> bool:
    """Whether `value` stands in `text` as a whole word or number."""
    alone = rf"(?<![0-9a-z])(?<![0-9][.:]){re.escape(value)}(?![.:]?[0-9]|[a-z])"
    return re.search(alone, text, re.IGNORECASE) is not None


def _times(seen: Seen) -> list[float]:
    return [frame["time"] for frame in seen["frames"]]
