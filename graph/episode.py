"""The record of one question: what was asked, done, seen, answered and spent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from videoseal.graph.answers import Answer
from videoseal.graph.budget import RoleUsage
from videoseal.graph.calls import Turn
from videoseal.graph.context import Context
from videoseal.graph.events import Called, Event
from videoseal.graph.ledger import Evidence
from videoseal.graph.state import Failure
from videoseal.models.types import Question

__all__ = ["Episode", "Step", "Timings", "read_steps"]


class Step(BaseModel):
    """One call of the planner and what came of it."""

    model_config = ConfigDict(frozen=True)

    number: int
    """Of the turn, from 1; calls of one turn have the same."""
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
    title: str = ""
    """Of the video; empty in older records, as `duration` is 0."""
    duration: float = 0.0
    """Of the video, in seconds."""
    context: Context
    answer: Answer
    """Abstained with cause `error` where the run failed."""
    error: Failure | None = None
    evidence: list[Evidence] = Field(default_factory=list)
    steps: list[Step] = Field(default_factory=list)
    usage: dict[str, RoleUsage] = Field(default_factory=dict)
    """By role, and `total`."""
    dollars: float = 0.0
    """What they cost, by the prices of the endpoints; 0 where none has one."""
    timings: Timings
    models: dict[str, str] = Field(default_factory=dict)
    """Names of the models by role."""


def read_steps(turns: Sequence[Turn], events: Sequence[Event]) -> list[Step]:
    """The planner's turns with their results, and how long each took: a step for every call.

    The first step of a turn has its words and its seconds; calls made side by side share both.
    """
    return [step for number, turn in enumerate(turns, 1) for step in _steps(number, turn, events)]


def _steps(number: int, turn: Turn, events: Sequence[Event]) -> Iterator[Step]:
    mine = [event for event in events if isinstance(event, Called) and event.step == number]
    models = sum(event.seconds for event in mine if event.role)
    first = Step(
        number=number,
        said=turn.said.text,
        model_seconds=models,
        tool_seconds=sum(event.seconds for event in mine) - models,
    )
    calls = turn.said.tool_calls
    if not calls:
        result = _json(turn.replies[0].text) if turn.replies else {}
        yield first.model_copy(update={"result": result})
    for place, call in enumerate(calls):
        reply = turn.reply_to(call["id"])
        result = _json(reply.text) if reply else {}
        step = Step(number=number) if place else first
        yield step.model_copy(update={"tool": call["name"], "args": call["args"], "result": result})


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"text": text}
