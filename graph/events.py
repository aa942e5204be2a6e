"""What happens during a run, as it happens: one typed union, sent as plain JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from videoseal.graph.answers import Answer
from videoseal.graph.budget import RoleUsage
from videoseal.graph.ledger import Evidence
from videoseal.graph.state import Task

__all__ = [
    "Answered",
    "Called",
    "Event",
    "Inspected",
    "Overviewed",
    "Planned",
    "Refused",
    "Rejected",
    "Retrieved",
    "Started",
    "read_event",
]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)


class Started(_Event):
    """A question was taken up."""

    event: Literal["started"] = "started"
    video_id: str
    title: str
    duration: float
    question: str
    options: list[str]
    message_id: str
    """The planner's turns follow the message with this id."""
    resumed: bool = False
    """Whether the run goes on where an earlier one of its thread stopped."""

    @classmethod
    def of(cls, task: Task, *, resumed: bool = False) -> Started:
        """The event of a question that was settled."""
        return cls(
            video_id=task.video_id,
            title=task.title,
            duration=task.duration,
            question=task.question.text,
            options=task.question.options,
            message_id=task.message_id,
            resumed=resumed,
        )


class Called(_Event):
    """A model or tool replied (or failed) after `seconds`."""

    event: Literal["called"] = "called"
    step: int
    who: str
    """A role such as `planner`, or a tool's own work such as `show_frames`."""
    role: bool
    """Whether `who` is a model's role."""
    seconds: float
    usage: RoleUsage = RoleUsage()
    """What the call of a role cost."""


class Planned(_Event):
    """The planner chose a tool."""

    event: Literal["planned"] = "planned"
    step: int
    tool: str
    args: dict[str, Any]
    steps_left: int
    """Turns after this one."""
    frames_left: int
    """Frames that may still be shown."""


class Refused(_Event):
    """The planner was told of an error, its own or a tool's."""

    event: Literal["refused"] = "refused"
    step: int
    error: str
    message: str


class Retrieved(_Event):
    """A search came back."""

    event: Literal["retrieved"] = "retrieved"
    step: int
    query: str
    hits: list[dict[str, Any]]


class Overviewed(_Event):
    """The outline was read."""

    event: Literal["overviewed"] = "overviewed"
    step: int
    lines: int


class Inspected(_Event):
    """Frames were looked at; the entry stands in the ledger."""

    event: Literal["inspected"] = "inspected"
    step: int
    evidence: Evidence


class Rejected(_Event):
    """The evidence did not carry an answer; the search goes on if budget is left."""

    event: Literal["rejected"] = "rejected"
    step: int
    reason: str


class Answered(_Event):
    """The run is over."""

    event: Literal["answered"] = "answered"
    answer: Answer


Event = Annotated[
    Started | Called | Planned | Refused | Retrieved | Overviewed | Inspected | Rejected | Answered,
    Field(discriminator="event"),
]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def read_event(data: object) -> Event:
    """The event in a `custom` part of the stream; ValidationError when it is none."""
    return _ADAPTER.validate_python(data)
