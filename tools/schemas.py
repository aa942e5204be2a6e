"""The planner's tools as it calls them: argument models, and their OpenAI function form."""

from __future__ import annotations

import functools
from typing import Any, Final, Literal, get_args

from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ARGUMENTS",
    "MAX_SPANS",
    "Finish",
    "GiveUp",
    "Overview",
    "ToolName",
    "VisualInspect",
    "VisualRetrieve",
    "tool_specs",
]

ToolName = Literal["visual_retrieve", "overview", "visual_inspect", "give_up", "finish"]
MAX_SPANS: Final = 16
"""Spans in one inspection; more would leave each with too few frames to settle anything."""


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class VisualRetrieve(_Arguments):
    """Search the index of the video: captions, on-screen text, subtitles and speech.

    Returns time spans with the words found there. It shows no pictures and proves nothing.
    """

    query: str = Field(
        min_length=1, max_length=500, description="What to look for, in a few words."
    )


class Overview(_Arguments):
    """Read a time-stamped outline of the whole video."""


class VisualInspect(_Arguments):
    """Have frames of up to 16 time spans looked at; only this can settle the question.

    Short spans are seen in more detail than long ones.
    """

    spans: list[str] = Field(
        min_length=1, description="Spans as HH:MM:SS-HH:MM:SS, inside the video."
    )
    look_for: list[str] = Field(
        default_factory=list, description="Things to look for, a few words each."
    )
    context: str = Field(default="", description="What is known so far.")


class GiveUp(_Arguments):
    """Stop searching: the video does not seem to hold what the question needs."""

    reason: str = Field(default="", max_length=2000, description="What was looked for and where.")


class Finish(_Arguments):
    """Give the final answer to the question."""

    answer: str = Field(min_length=1, max_length=2000, description="The answer in words.")
    choice: str | None = Field(
        default=None, description="The letter of the option, for multiple choice."
    )


ARGUMENTS: Final[dict[ToolName, type[_Arguments]]] = {
    "visual_retrieve": VisualRetrieve,
    "overview": Overview,
    "visual_inspect": VisualInspect,
    "give_up": GiveUp,
    "finish": Finish,
}


@functools.cache
def _spec(name: ToolName) -> dict[str, Any]:
    model = ARGUMENTS[name]
    schema = convert_to_openai_tool(model)["function"]["parameters"]
    parameters = {
        "type": "object",
        "properties": schema["properties"],
        "required": schema.get("required", []),
    }
    # The library's own description keeps line breaks, and its name is that of the class.
    description = " ".join((model.__doc__ or "").split())
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


def tool_specs(names: tuple[ToolName, ...]) -> list[dict[str, Any]]:
    """The named tools as OpenAI function definitions, in the order given.

    The text is stable, so that a server's prefix cache stays warm from question to question.
    """
    assert set(names) <= set(get_args(ToolName))
    return [_spec(name) for name in names]
