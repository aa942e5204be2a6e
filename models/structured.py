"""Replies of an agreed form: asked for by JSON schema, read strictly, repaired at most once."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, ValidationError

from videoseal.core.errors import ModelRejected, ModelReplyError, faults
from videoseal.core.span import format_time
from videoseal.models import prompts
from videoseal.models.client import EndpointChat, usage_of
from videoseal.models.fence import escape_special
from videoseal.models.reply import json_part, read_json
from videoseal.models.types import Frame, Question, Reply

__all__ = ["Form", "Malformed", "StructuredChat", "Wire", "choice_of", "picture_parts"]

T = TypeVar("T")
W = TypeVar("W", bound="Wire")

_NO_SCHEMA: Final = (400, 422)
"""How servers refuse a `response_format` that they do not know."""
_TOLD: Final = 5
"""Faults of a reply that its model is told of."""


class Malformed(ValueError):
    """A reply of the wrong form; the text is sent back to the model."""


class Wire(BaseModel):
    """The fields of a reply as the model writes them."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Form(NamedTuple, Generic[W, T]):
    """What a reply must look like and what is made of it."""

    wire: type[W]
    read: Callable[[W], T]
    """Checks what a schema cannot say; raises Malformed."""
    letters: str | None = None
    """Valid values of the field `choice`; None where the form has no such field."""

    def schema(self) -> dict[str, Any]:
        """The `response_format` for servers that can hold a model to a schema."""
        schema = self.wire.model_json_schema()
        if self.letters is not None:
            schema["properties"]["choice"] = {"type": "null"}
            if self.letters:
                letters = [*self.letters, None]
                schema["properties"]["choice"] = {"type": ["string", "null"], "enum": letters}
        name = self.wire.__name__.strip("_").lower()
        return {
            "type": "json_schema",
            "json_schema": {"name": name, "strict": True, "schema": schema},
        }

    def parse(self, text: str) -> T:
        """Read a reply; raises Malformed with words that the model can act on."""
        try:
            value = read_json(json_part(text))
        except ValueError as problem:
            raise Malformed(f"it is not one JSON object: {problem}") from None
        try:
            wire = self.wire.model_validate(value)
        except ValidationError as error:
            problems = [fault.line("the reply") for fault in faults(error)]
            raise Malformed("; ".join(problems[:_TOLD])) from None
        return self.read(wire)


class StructuredChat:
    """Asks one endpoint for replies of a form."""

    def __init__(self, chat: EndpointChat) -> None:
        self._chat = chat
        self._takes_schema = True

    async def ask(
        self, system: str, content: str | list[dict[str, Any]], form: Form[W, T], frames: int = 0
    ) -> Reply[T]:
        """Ask, and once more with the error if the reply is malformed.

        `frames` is counted once, also when the pictures are sent again for the repair. Raises
        ModelReplyError when the second reply is malformed too, and what the endpoint raises.
        """
        started = time.perf_counter()
        human = HumanMessage(content)  # type: ignore[arg-type]
        messages: list[BaseMessage] = [SystemMessage(system), human]
        reply = await self._send(messages, form.schema())
        usage = usage_of(reply, frames=frames)
        try:
            value = form.parse(reply.text)
        except Malformed as problem:
            said = escape_special(reply.text) or "(nothing)"
            messages += [AIMessage(said), HumanMessage(prompts.repair(str(problem)))]
            reply = await self._send(messages, form.schema())
            usage = usage.plus(usage_of(reply))
            value = self._last_chance(form, reply.text)
        return Reply(value, usage._replace(seconds=time.perf_counter() - started))

    def _last_chance(self, form: Form[W, T], text: str) -> T:
        policy = self._chat.policy
        try:
            return form.parse(text)
        except Malformed as problem:
            raise ModelReplyError(
                f"the {policy.role} at {policy.place} twice replied in the wrong form: "
                f"{policy.redact(str(problem))}",
                role=policy.role,
                hint=f"{policy.setting('MODEL')} may be too weak for this role",
            ) from None

    async def _send(self, messages: list[BaseMessage], schema: dict[str, Any]) -> AIMessage:
        """One reply, held to the schema by the server if it can."""
        if not self._takes_schema:
            return await self._invoke(messages)
        try:
            return await self._invoke(messages, extra_body={"response_format": schema})
        except ModelRejected as refused:
            if refused.status not in _NO_SCHEMA:
                raise
        reply = await self._invoke(messages)
        # Only now it is known that the schema was at fault and not the request.
        self._takes_schema = False
        return reply

    async def _invoke(self, messages: list[BaseMessage], **options: Any) -> AIMessage:
        # "nostream" keeps these replies out of the chat that a graph streams to its user.
        return await self._chat.ainvoke(
            messages,
            config={"run_name": self._chat.policy.role, "tags": ["nostream"]},
            **options,
        )


def picture_parts(frames: list[Frame]) -> list[dict[str, Any]]:
    """Message parts: each frame's timestamp, then the frame as a JPEG data URL."""
    parts: list[dict[str, Any]] = []
    for frame in frames:
        url = "data:image/jpeg;base64," + base64.b64encode(frame.jpeg).decode("ascii")
        parts.append({"type": "text", "text": format_time(frame.time, decimals=1)})
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def choice_of(text: str | None, question: Question) -> str | None:
    """The letter a reply chose, `B` or `(B)`; Malformed unless it is one of the question's."""
    if text is None or not question.options:
        return None
    letter = text.strip().removeprefix("(").removesuffix(")")
    if question.option(letter) is None:
        letters = ", ".join(question.letters)
        raise Malformed(f'"choice" is {text!r:.20}; it must be one of {letters}')
    return letter
