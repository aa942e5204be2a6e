"""The interfaces of the model roles, and the bundle that a process holds of them.

The planner is a LangChain chat model, so that any chat model, a training engine or the offline
search policy can take its place; the other roles have one method each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from langchain_core.language_models import BaseChatModel

from videoseal.models.types import (
    AnswerDraft,
    AnswerRequest,
    CaptionRequest,
    InspectRequest,
    JudgeRequest,
    Match,
    MatchRequest,
    Reply,
    Ruling,
    Verdict,
)

__all__ = ["Answerer", "Captioner", "Embedder", "Inspector", "Judge", "Models", "Named",
           "Summariser", "Vectors"]  # fmt: skip

Vectors = npt.NDArray[np.float32]
"""Unit-length row vectors, shape (texts, dimension)."""


class Named(Protocol):
    """A model under the name that its results are recorded under."""

    @property
    def name(self) -> str:
        """Model and prompt version; results of two names never mix."""


class Inspector(Named, Protocol):
    """Looks at frames and says whether they settle the question."""

    async def inspect(self, request: InspectRequest) -> Reply[Verdict]:
        """Judge the frames; raises ModelError."""


class Answerer(Named, Protocol):
    """Joins partial evidence into an answer, or says that it does not carry one."""

    async def answer(self, request: AnswerRequest) -> Reply[AnswerDraft]:
        """Propose an answer; raises ModelError."""


class Captioner(Named, Protocol):
    """Describes one clip while indexing."""

    @property
    def wants_frames(self) -> bool:
        """Whether `CaptionRequest.frames` must be filled; a template needs none."""

    async def caption(self, request: CaptionRequest) -> Reply[str]:
        """Describe the clip; raises ModelError."""


class Embedder(Named, Protocol):
    """Turns texts into unit vectors; one dimension per model."""

    @property
    def dimension(self) -> int:
        """Length of a vector; an endpoint is asked once, lazily."""

    async def passages(self, texts: list[str]) -> Reply[Vectors]:
        """Embed stored texts, shape (len(texts), dimension); raises ModelError."""

    async def query(self, text: str) -> Reply[Vectors]:
        """Embed one search query, shape (1, dimension); raises ModelError."""


class Summariser(Named, Protocol):
    """Writes the story of a video from its captions."""

    async def summarise(self, lines: list[str]) -> Reply[str]:
        """A few sentences from time-stamped lines; raises ModelError."""


class Judge(Named, Protocol):
    """Says in evals whether evidence alone carries an answer; no part of a system under test."""

    @property
    def prompt(self) -> str:
        """What it is told, word for word with places for the data."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What else its verdicts depend on, without secrets."""

    async def judge(self, request: JudgeRequest) -> Reply[Ruling]:
        """Rule on one answer; raises ModelError."""

    async def match(self, request: MatchRequest) -> Reply[Match]:
        """Say whether an answer in words is the published one; raises ModelError."""


@dataclass(frozen=True, slots=True)
class Models:
    """The roles of one process, each an endpoint or an offline stand-in."""

    planner: BaseChatModel
    inspector: Inspector
    answerer: Answerer
    captioner: Captioner
    embedder: Embedder
    summariser: Summariser

    def names(self, *roles: str) -> dict[str, str]:
        """Model and prompt version by role; of the planner the model alone."""
        return {role: self._name(role) for role in roles}

    def _name(self, role: str) -> str:
        if role == "planner":
            return getattr(self.planner, "model_name", None) or self.planner._llm_type
        return str(getattr(self, role).name)
