"""What the graph takes, holds and gives: plain JSON, ids, numbers and short strings.

Each channel has one writer or a reducer, so that calls of one turn may run side by side, and a
thread may be paused, edited, forked and taken up by another machine.
"""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from pydantic import BaseModel, ConfigDict, Field

from videoseal.core.text import CleanText
from videoseal.graph.answers import Answer
from videoseal.graph.budget import Left, Spent, add_spent
from videoseal.graph.context import Context
from videoseal.graph.ledger import Evidence, append_evidence
from videoseal.graph.seal import about, guarded_answer
from videoseal.models.types import Question

__all__ = [
    "Failure",
    "Input",
    "Job",
    "Output",
    "PastQuestion",
    "State",
    "Task",
    "answer_of",
    "entries_of",
    "failure_of",
    "ledger_of",
    "spent_of",
    "task_of",
]

Json = dict[str, Any]


class Failure(BaseModel):
    """Why a question could not be worked on; recorded, never shown as an answer."""

    model_config = ConfigDict(frozen=True)

    type: str
    """Name of the error class."""
    message: CleanText


def failure_of(error: Exception) -> Failure:
    """An error as it is recorded."""
    return Failure(type=type(error).__name__, message=" ".join(str(error).split())[:1000])


class PastQuestion(BaseModel):
    """An earlier question of the thread and what came of it, as the planner reads it."""

    model_config = ConfigDict(frozen=True)

    question: Question
    video_id: str
    message_id: str
    """Its messages follow the one with this id."""
    answer: str = ""
    """In words; empty where there was none."""
    proven: bool = False
    seen: list[tuple[float, float]] = Field(default_factory=list)
    """Spans in which it was seen, in seconds."""


class Task(BaseModel):
    """The question of this run, settled once by `open`."""

    model_config = ConfigDict(frozen=True)

    question: Question
    video_id: str
    title: str = ""
    duration: float
    """Seconds."""
    context: Context
    """The run's choices; nodes read them here, so that a resumed run keeps its own."""
    human_id: str
    """The message that asks; a later one is a new question."""
    message_id: str
    """The last message when the run began; the planner's turns follow it."""
    earlier: list[PastQuestion] = Field(default_factory=list)
    """Questions of the thread before this one, oldest first."""

    @property
    def about(self) -> str:
        """What the seals of this question's evidence bind to."""
        return about(self.question, self.video_id)


class Job(BaseModel):
    """One call of the planner, with all that the tool's node needs: it runs beside others."""

    model_config = ConfigDict(frozen=True)

    id: str = ""
    """Of the call, which gets its reply under it; empty where no planner called."""
    tool: str
    args: dict[str, Any] = Field(default_factory=dict)
    task: Task
    spent: Spent
    left: Left
    """Steps and frames, less what the other looks of the turn may show."""
    frames: int = 0
    """Frames that this look may show."""
    number: int = 1
    """Of the ledger's entry that a look makes."""
    failures: int = 0
    """Tool calls of this question that failed before through no fault of the planner."""


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


class Output(TypedDict, total=False):
    """The answer with the evidence that carries it."""

    answer: Annotated[Json, guarded_answer]
    evidence: Annotated[list[Json], append_evidence]
    spent: Annotated[Json, add_spent]
    messages: Annotated[list[AnyMessage], add_messages]


class State(Output, total=False):
    """Everything the nodes share."""

    question: str
    """Asked and not yet taken up: `open` empties it into the task."""
    options: list[str]
    video_id: str
    task: Json | None
    failures: Annotated[list[Json], operator.add]
    """Tool calls that failed through no fault of the planner."""
    stopped: str | None
    """The cause, where a call of the planner was cut off and left no turn."""
    rejected: int
    """Length of the ledger when the answerer last rejected it; -1 for never."""


def answer_of(state: State) -> Answer | None:
    """The outcome, if there is one."""
    found = state.get("answer")
    return Answer.model_validate(found) if found else None


def entries_of(state: State) -> list[Json]:
    """The entries of the ledger as they are stored; what is none, whoever wrote it, is left out."""
    return [entry for entry in state.get("evidence") or [] if isinstance(entry, dict)]


def ledger_of(state: State) -> list[Evidence]:
    """The entries of the ledger."""
    return [Evidence.model_validate(entry) for entry in entries_of(state)]


def task_of(state: State) -> Task:
    """The question that `open` settled."""
    return Task.model_validate(state["task"])


def spent_of(state: State) -> Spent:
    """What was spent so far."""
    return Spent.model_validate(state.get("spent") or {})
