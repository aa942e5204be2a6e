"""What one run may choose: mode, budgets and channels."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MAX_STEPS", "MODES", "Context", "InspectorContext", "Mode"]

Mode = Literal["decoupled", "coupled", "direct", "blind"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
"""In the order of tables and figures: the system that is claimed, then its controls."""
InspectorContext = Literal["question", "focus", "notes"]

MAX_STEPS = 200
"""The largest step budget; the graph's recursion limit is derived from it."""


def _at(*nodes: str) -> dict[str, Any]:
    """Studio shows a field as a gear on the nodes that it concerns."""
    return {"langgraph_nodes": list(nodes)}


class Context(BaseModel):
    """Choices for one question; everything that is the same for all is in Settings."""

    model_config = ConfigDict(frozen=True)

    mode: Mode = Field(
        default="decoupled",
        description="decoupled: only inspected frames answer. The others are baselines: coupled "
        "(the planner answers), direct (uniform frames, one look), blind (no video).",
        json_schema_extra=_at("plan"),
    )
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
    frames_per_inspect: int = Field(
        default=64, ge=1, le=1024, description="Frames shown in one inspection.",
        json_schema_extra=_at("visual_inspect"),
    )  # fmt: skip
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        description="Tokens of all models together, looked at before every call of planner and "
        "inspector; the call that closes the run is still made.",
    )
    max_seconds: float = Field(
        default=1000.0,
        gt=0,
        description="Seconds for the question. The last tenth (at most 30 s) is kept for the "
        "closing answer.",
    )
    top_k: int = Field(
        default=8, ge=1, le=100, description="Hits of one search.",
        json_schema_extra=_at("visual_retrieve"),
    )  # fmt: skip
    inspect_fps: float = Field(
        default=2.0, gt=0, le=60, description="Frames a second at most in an inspection.",
        json_schema_extra=_at("visual_inspect"),
    )  # fmt: skip
    inspector_context: InspectorContext = Field(
        default="question",
        description="What the inspector is told besides the frames: the question alone, the "
        "planner's look-for list too, or its free text too.",
        json_schema_extra=_at("visual_inspect"),
    )
    forced_choice: bool = Field(
        default=False,
        description="Guess where there is no proof; such an answer is marked as forced.",
        json_schema_extra=_at("answer"),
    )
