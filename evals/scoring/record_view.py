"""The part of a record that scores need; the rest of a line is skipped without being built."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

# pydantic needs this one before Python 3.12.
from typing_extensions import TypedDict

from videoseal.evals.item import Item
from videoseal.evals.records import SampleRecord

__all__ = ["AnswerPart", "EpisodePart", "ErrorPart", "Scorable", "Seen", "StepPart", "TimePart",
           "TokensPart", "scorable"]  # fmt: skip


class TimePart(TypedDict):
    """A shown frame."""

    time: float
    """Presentation time in seconds."""


class Seen(TypedDict):
    """An inspection, or a citation of one."""

    spans: list[tuple[float, float]]
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

    @property
    def proven(self) -> bool:
        """Whether the system itself claims proof, by the same rule as `graph.answers.Answer`."""
        return bool(self.citations) and not self.forced and self.by in ("inspector", "answerer")


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


class Scorable(BaseModel):
    """A record without what no score looks at: the trajectory, hashes, texts seen."""

    item: Item
    mode: str
    variant: str = ""
    duration: float = 0.0
    episode: EpisodePart | None = None
    error: ErrorPart | None = None
    seconds: float = 0.0
    semantic: dict[str, bool] = Field(default_factory=dict)


def scorable(record: SampleRecord) -> Scorable:
    """The scorable part of a whole record."""
    return Scorable.model_validate(
        {
            "item": record.item,
            "episode": record.episode,
            "error": record.error and {"type": record.error.type},
            **record.model_dump(include={"mode", "variant", "duration", "seconds", "semantic"}),
        }
    )
