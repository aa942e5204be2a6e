"""One question of a benchmark, in the form that all benchmarks share."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from videoseal.models.types import Question

__all__ = ["UNSEEN", "Item"]

UNSEEN: Final = "unseen wording"
"""Group of the generated questions in words that nothing is made or trained with."""


class Item(BaseModel):
    """A question with its gold answer; everything gold stays on this side of the agent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    benchmark: str
    """Which set it comes from, such as `lvbench`."""
    uid: str = Field(min_length=1)
    """Unique within the benchmark."""
    video: str = Field(min_length=1)
    """The video's id within the benchmark: the stem of its file name."""
    question: Question
    """What the agent is asked, options without letters."""
    answer: str
    """The gold letter; the reference text of free-text tasks; empty when nothing in the video
    answers the question."""
    categories: list[str] = Field(min_length=1)
    """Official categories; some benchmarks give a question several."""
    group: str = ""
    """Official duration group, such as `short` or `3600`; of a generated question how it is worded,
    such as `unseen wording`; empty where there is none."""
    evidence: list[tuple[float, float]] = Field(default_factory=list)
    """Gold spans in seconds; empty where the benchmark has none."""
    needs: Literal["text", "visual", "sound", ""] = ""
    """What it takes to answer, where the set says so."""
    answerable: bool = True
    """False when the right outcome is to abstain."""
    scoring_points: list[str] = Field(default_factory=list)
    """What a free-text answer is judged by."""
    exact: bool = False
    """Whether free text is right if it says `answer` word for word, and no judge is needed."""
    unread_options: bool = False
    """Whether the published row has options that cannot be read; a letter is right all the same."""
    defect: str = ""
    """What is wrong with the published row (such as options that are equal); empty when nothing.
    Such rows are asked and scored by the official rule, and counted in reports."""

    @property
    def free_text(self) -> bool:
        """Whether the answer is prose instead of a letter."""
        return not (self.question.options or self.unread_options)

    @property
    def prose(self) -> bool:
        """Whether nothing but a judge can tell if an answer is right."""
        return self.free_text and not self.exact

    @property
    def chance(self) -> float:
        """Accuracy of a uniform guess."""
        options = self.question.options
        return 1 / len(options) if options and self.answerable else 0.0

    @model_validator(mode="after")
    def _answer_is_an_option(self) -> Item:
        options = self.question.options
        if options and len(options) < 2:
            raise ValueError("options: fewer than two")
        right = self.question.option(self.answer) is not None
        if self.answerable and not (self.free_text or right or self.defect):
            raise ValueError(f"answer: {self.answer!r} is none of {self.question.letters}")
        if not self.answerable and self.answer:
            raise ValueError("answer: an unanswerable question cannot have one")
        return self
