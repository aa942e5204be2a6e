"""What the graph takes, holds and gives: ids, numbers and short strings."""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from pydantic import BaseModel, ConfigDict, Field

from videoseal.core.text import CleanText
from videoseal.graph.answers import Answer, Cause
from videoseal.graph.budget import Spent
from videoseal.graph.ledger import Evidence, append_evidence
from videoseal.models.types import Question
from videoseal.tools.schemas import Finish

__all__ = ["Call", "Failure", "Input", "Output", "State", "Task", "Trouble"]


class Failure(BaseModel):
    """Why a question could not be worked on; recorded, never shown as an answer."""

    model_config = ConfigDict(frozen=True)

    type: str
    """Name of the error class."""
    message: CleanText


class Trouble(BaseModel):
    """Tool calls that failed through no fault of the planner."""

    model_config = ConfigDict(frozen=True)

    count: int
    last: Failure


class Task(BaseModel):
    """The question of this run, settled once at its start."""

    model_config = ConfigDict(frozen=True)

    question: Question
    video_id: str
    duration: float
    """Seconds."""
    asked: str
    """The input's question field at that time; tells a new question on the same thread."""
    human_id: str
    """The human message that asks."""
    message_id: str
    """The last message when the run began; the planner's turns follow it."""


class Call(BaseModel):
    """A tool call of the planner, checked and waiting to be carried out."""

    model_config = ConfigDict(frozen=True)

    id: str
    tool: str
    args: dict[str, Any] = Field(default_factory=dict)
    refused: list[str] = Field(default_factory=list)
    """Ids of further calls in the same message; each gets its own reply."""


class Input(BaseModel):
    """A question about one indexed video."""

    model_config = ConfigDict(title="Question")

    question: str = Field(
        default="",
        max_length=8000,
        title="Question",
        description="What to find out. In a chat the last message is taken instead.",
        examples=["What does the sign behind the speaker say when the lights go out?"],
    )
    options: list[str] = Field(
        default_factory=list,
        max_length=26,
        title="Options",
        description="Answers to choose from, without letters; empty for an open question.",
        examples=[["EXIT", "ENTRANCE", "PLATFORM 4", "NO SMOKING"]],
    )
    video_id: str = Field(
        default="",
        max_length=200,
        title="Video",
        description="Id (or the start of it, or the title) of an indexed video.",
        examples=["v0123456789abcdef"],
    )
    messages: Annotated[list[AnyMessage], add_messages] = Field(
        default_factory=list, title="Messages", description="The chat and the planner's turns."
    )


class Output(BaseModel):
    """The answer with the evidence that carries it."""

    answer: Answer | None = Field(default=None, description="The outcome; None while searching.")
    evidence: Annotated[list[Evidence], append_evidence] = Field(
        default_factory=list, description="Every inspection of this question."
    )
    spent: Spent | None = Field(default=None, description="Steps, frames and calls so far.")
    error: Failure | None = Field(default=None, description="Set when the run failed.")
    messages: Annotated[list[AnyMessage], add_messages] = Field(default_factory=list)


class State(Input, Output):
    """Everything the nodes share."""

    task: Task | None = None
    call: Call | None = None
    """What the planner asked for last."""
    cause: Cause | None = None
    """Why the search ended without a sufficient verdict."""
    finish: Finish | None = None
    """The planner's own answer; only in mode `coupled`."""
    trouble: Trouble | None = None
    rejected: int = -1
    """Length of the ledger when the answerer last rejected it; -1 for never."""
