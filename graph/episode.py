"""The record of one question: what was asked, done, seen, answered and spent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import BaseModel, ConfigDict, Field

from videoseal.graph.answers import Answer
from videoseal.graph.budget import RoleUsage
from videoseal.graph.calls import ANSWER_PREFIX
from videoseal.graph.context import Context
from videoseal.graph.events import Called, Event
from videoseal.graph.ledger import Evidence
from videoseal.graph.state import Failure
from videoseal.models.types import Question

__all__ = ["Episode", "Step", "Timings", "read_steps"]


class Step(BaseModel):
    """One turn of the planner and what came of it."""

    model_config = ConfigDict(frozen=True)

    number: int
    """From 1."""
    said: str = ""
    """The planner's free text; no other role read it."""
    tool: str | None = None
    """None where nothing was called."""
    args: dict[str, Any] = Field(default_factory=dict)
    result: dict[str, Any] = Field(default_factory=dict)
    """What the planner was told; has `error` where the call failed."""
    model_seconds: float = 0.0
    """In planner, inspector, answerer and embedder."""
    tool_seconds: float = 0.0
    """In decoding and reading."""


class Timings(BaseModel):
    """Where the seconds of a run went."""

    model_config = ConfigDict(frozen=True)

    total: float
    models: float
    tools: float

    @property
    def overhead(self) -> float:
        """Seconds in neither models nor tools: the graph's own."""
        return max(0.0, self.total - self.models - self.tools)


class Episode(BaseModel):
    """One question from start to end; plain JSON, so that it can be scored again years later."""

    model_config = ConfigDict(frozen=True)

    version: int = 1
    question: Question
    video_id: str
    context: Context
    answer: Answer
    """Abstained with cause `error` where the run failed."""
    error: Failure | None = None
    evidence: list[Evidence] = Field(default_factory=list)
    steps: list[Step] = Field(default_factory=list)
    usage: dict[str, RoleUsage] = Field(default_factory=dict)
    """By role, and `total`."""
    timings: Timings
    models: dict[str, str] = Field(default_factory=dict)
    """Names of the models by role."""


def read_steps(turns: Sequence[BaseMessage], events: Sequence[Event]) -> list[Step]:
    """The planner's turns with their results, and how long each took."""
    steps: list[Step] = []
    for turn in turns:
        if (turn.id or "").startswith(ANSWER_PREFIX):
            continue
        if isinstance(turn, AIMessage):
            steps.append(_step(len(steps) + 1, turn, events))
        elif steps and isinstance(turn, ToolMessage | HumanMessage) and not steps[-1].result:
            steps[-1] = steps[-1].model_copy(update={"result": _json(turn.text)})
    return steps


def _step(number: int, turn: AIMessage, events: Sequence[Event]) -> Step:
    call = turn.tool_calls[0] if turn.tool_calls else None
    mine = [event for event in events if isinstance(event, Called) and event.step == number]
    models = sum(event.seconds for event in mine if event.role)
    return Step(
        number=number,
        said=turn.text,
        tool=call["name"] if call else None,
        args=call["args"] if call else {},
        model_seconds=models,
        tool_seconds=sum(event.seconds for event in mine) - models,
    )


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"text": text}
