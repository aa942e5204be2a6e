"""The planner's tools as it calls them: argument models, and their OpenAI function form."""

from __future__ import annotations

import functools
import json
import re
from contextlib import suppress
from typing import Annotated, Any, Final, Literal, get_args

from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from videoseal.core.errors import SpanError
from videoseal.core.span import Span
from videoseal.models.reading.json_text import read_value
from videoseal.models.reading.wire import bare_name
from videoseal.tools.span_text import names_span, read_spans

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
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_LETTER: Final = re.compile(r"[\W_]*(?:(?:option|choice|answer|letter)\W+)?([a-z])[\W_]*", re.I)


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _plainly(cls, given: Any) -> Any:
        """Null is what was left out, and a list of one text where a text is due is that text."""
        if not isinstance(given, dict):
            return given
        known = {bare_name(name): name for name in cls.model_fields}
        return {known.get(bare_name(str(name)), name): value
                for name, value in given.items() if value is not None}  # fmt: skip


def _one(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return str(value) if isinstance(value, int | float) else value


def _letter(value: Any) -> Any:
    """A letter alone, whatever stands around it."""
    found = _LETTER.fullmatch(str(_one(value)))
    return found[1].upper() if found else value


def _several(value: Any) -> list[str]:
    """Hints as texts, also one alone; what is none is left out."""
    hints = value if isinstance(value, list) else [value]
    return [str(hint) for hint in hints if isinstance(hint, str | int | float)]


def _spans(given: Any) -> Any:
    """Each span as a text of two times; what cannot be read stays what it is, to be told."""
    if isinstance(given, str) and given.lstrip()[:1] in ("[", "{"):
        with suppress(ValueError):
            given = read_value(given)
    if isinstance(given, str) and "\n" in given:
        given = given.splitlines()
    if isinstance(given, dict) and not any(map(names_span, given)):
        # Names of our own for each; a bare number under one may mean anything.
        given = [value for value in given.values() if not isinstance(value, int | float)]
    if isinstance(given, str | dict | int | float):
        given = [given]
    if not isinstance(given, list):
        return given
    if given and all(_NUMBER.fullmatch(str(entry)) for entry in given):
        return list(map(str, read_spans(given)))
    return [text for entry in given for text in _texts(entry)]


def _texts(entry: Any) -> list[str]:
    with suppress(SpanError):
        return [entry] if Span.parse(entry) else []
    try:
        return list(map(str, read_spans(entry)))
    except SpanError:
        return [entry if isinstance(entry, str) else json.dumps(entry)]


def _decoding(**ends: int) -> Any:
    """An end that a server may hold a model to; a longer list or text is read as well."""
    return Field(json_schema_extra=dict(ends))


_Text = Annotated[str, BeforeValidator(_one)]
_Short = Annotated[str, _decoding(maxLength=100)]


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

    spans: Annotated[list[_Short], BeforeValidator(_spans), _decoding(maxItems=MAX_SPANS)] = Field(
        min_length=1, description="Spans as HH:MM:SS-HH:MM:SS, inside the video."
    )
    look_for: Annotated[list[_Short], BeforeValidator(_several), _decoding(maxItems=8)] = Field(
        default_factory=list, description="Things to look for, a few words each."
    )
    context: Annotated[_Text, _decoding(maxLength=400)] = Field(
        default="", description="What is known so far."
    )

    @model_validator(mode="before")
    @classmethod
    def _under_other_names(cls, given: Any) -> Any:
        """The spans under the name of one, or as a start and an end beside each other."""
        if not isinstance(given, dict) or any(bare_name(str(name)) == "spans" for name in given):
            return given
        other = {name: value for name, value in given.items() if names_span(name)}
        return {**given, "spans": other} if other else given


class GiveUp(_Arguments):
    """Stop searching: the video does not seem to hold what the question needs."""

    reason: str = Field(default="", max_length=2000, description="What was looked for and where.")


class Finish(_Arguments):
    """Give the final answer to the question."""

    answer: str = Field(min_length=1, max_length=2000, description="The answer in words.")
    choice: Annotated[_Short | None, BeforeValidator(_letter)] = Field(
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
