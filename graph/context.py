"""What one run may choose: mode, budgets and channels."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "MAX_STEPS",
    "MODES",
    "Careful",
    "Context",
    "EvidenceKind",
    "Fast",
    "InspectorContext",
    "Mode",
    "ServedContext",
]

Mode = Literal["decoupled", "coupled", "direct", "blind"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
"""In the order of tables and figures: the system that is claimed, then its controls."""
InspectorContext = Literal["question", "focus", "notes"]
EvidenceKind = Literal["seen", "seen+heard"]

MAX_STEPS = 200
"""The largest step budget; the graph's recursion limit is derived from it."""


def _at(*nodes: str) -> dict[str, Any]:
    """Studio shows a field as a gear on the nodes that it concerns."""
    return {"langgraph_nodes": list(nodes)}


class ServedContext(BaseModel):
    """What a person may choose for one question of the served agent."""

    model_config = ConfigDict(frozen=True)

    video_id: str = Field(
        default="", description="The video to ask about when the input names none."
    )
    max_steps: int = Field(
        default=16, ge=1, le=MAX_STEPS, description="Turns of the planner.",
        json_schema_extra=_at("plan"),
    )  # fmt: skip
    max_frames: int = Field(
        default=256, ge=1, le=100_000, description="Frames shown for the whole question.",
        json_schema_extra=_at("visual_inspect"),
    )  # fmt: skip
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        description="Tokens of all models together, looked at before every call of planner and "
        "inspector; the call that closes the run is still made.",
    )
    max_dollars: float | None = Field(
        default=None,
        gt=0,
        description="Dollars for the question, by the prices of the endpoints; no call is made "
        "that may break it.",
    )
    max_seconds: float = Field(
        default=1000.0,
        gt=0,
        description="Seconds for the question. The last tenth (at most 30 s) is kept for the "
        "closing answer.",
    )
    evidence: EvidenceKind = Field(
        default="seen+heard",
        description="What an answer may rest on: frames alone, or also lines of speech and "
        "subtitles in the spans looked at.",
        json_schema_extra=_at("visual_inspect"),
    )
    carry_evidence: bool = Field(
        default=False,
        description="Let what was seen for the question before, about the same video, be cited "
        "again.",
        json_schema_extra=_at("answer"),
    )
    approve_looks: bool = Field(
        default=False,
        description="Ask a person before frames are looked at; the spans may be changed.",
        json_schema_extra=_at("visual_inspect"),
    )
    ask_for_hint: bool = Field(
        default=False,
        description="Ask a person for a hint before the agent says that it found no proof.",
        json_schema_extra=_at("review"),
    )
    review_answer: bool = Field(
        default=False,
        description="Show a person each proven answer; citations marked as wrong are dropped and "
        "the search goes on.",
        json_schema_extra=_at("review"),
    )

    @property
    def asks_people(self) -> bool:
        """Whether a person is asked on the way."""
        return self.approve_looks or self.ask_for_hint or self.review_answer


class Context(ServedContext):
    """Choices for one question; everything that is the same for all is in Settings."""

    mode: Mode = Field(
        default="decoupled",
        description="decoupled: only inspected frames answer. The others are baselines: coupled "
        "(the planner answers), direct (uniform frames, one look), blind (no video).",
    )
    frames_per_inspect: int = Field(
        default=64, ge=1, le=1024, description="Frames shown in one inspection."
    )
    top_k: int = Field(default=8, ge=1, le=100, description="Hits of one search.")
    inspect_fps: float = Field(
        default=2.0, gt=0, le=60, description="Frames a second at most in an inspection."
    )
    inspector_context: InspectorContext = Field(
        default="question",
        description="What the inspector is told besides the frames: the question alone, the "
        "planner's look-for list too, or its free text too.",
    )
    forced_choice: bool = Field(
        default=False,
        description="Guess where there is no proof; such an answer is marked as forced.",
    )


class Careful(ServedContext):
    """More looks and more time, for questions that matter."""

    max_steps: int = Field(default=40, ge=1, le=MAX_STEPS, description="Turns of the planner.")
    max_frames: int = Field(
        default=1024, ge=1, le=100_000, description="Frames shown for the whole question."
    )
    max_seconds: float = Field(default=3600.0, gt=0, description="Seconds for the question.")


class Fast(ServedContext):
    """A first answer or none, within a minute."""

    max_steps: int = Field(default=6, ge=1, le=MAX_STEPS, description="Turns of the planner.")
    max_frames: int = Field(
        default=96, ge=1, le=100_000, description="Frames shown for the whole question."
    )
    max_seconds: float = Field(default=60.0, gt=0, description="Seconds for the question.")
