"""Replies of an agreed form: asked for by JSON schema, read strictly, repaired at most once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, ValidationError

from videoseal.core.errors import ModelRejected, ModelReplyError, faults
from videoseal.core.settings import Endpoint, Role, Settings
from videoseal.models import prompts
from videoseal.models.client import EndpointChat, usage_of
from videoseal.models.fence import escape_special
from videoseal.models.pictures import Illustrated
from videoseal.models.reply import json_part, read_json
from videoseal.models.types import Frame, Question, Reply

__all__ = [
    "AnswerFields",
    "Form",
    "Malformed",
    "StructuredRole",
    "Wire",
    "answer_of",
]

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


class AnswerFields(Protocol):
    """The fields of a reply that may give an answer."""

    answer: str
    choice: str | None


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
        confidence = getattr(wire, "confidence", 0.0)
        if not 0 <= confidence <= 1:
            raise Malformed(f'"confidence" is {confidence}; it must lie in 0 to 1')
        return self.read(wire)


class StructuredRole:
    """A role at an endpoint that replies in an agreed form."""

    role: Role
    told: str
    """Name of its prompt."""
    options: Mapping[str, Any] = MappingProxyType({})
    """Further options of its chat client."""

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        self._chat = EndpointChat.at(settings, endpoint, self.role, **self.options)
        self._takes_schema = True
        self.name = f"{endpoint.model}@{prompts.version(self.told)}"

    async def _ask(self, task: str, form: Form[W, T], frames: Sequence[Frame] = ()) -> Reply[T]:
        """Ask, and once more with the error if the reply is malformed.

        Frames follow the task, each after its timestamp; they are counted once, also when they are
        sent again for the repair. Raises ModelReplyError when the second reply is malformed too,
        and what the endpoint raises.
        """
        started = time.perf_counter()
        shown = Illustrated(task, frames)
        messages: list[BaseMessage] = [
            SystemMessage(prompts.render(self.told)),
            HumanMessage(shown.content),
        ]
        reply = await self._send(messages, form.schema())
        usage = usage_of(reply, frames=len(frames))
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
            return await self._chat.ask(messages)
        try:
            return await self._chat.ask(messages, extra_body={"response_format": schema})
        except ModelRejected as refused:
            if refused.status not in _NO_SCHEMA:
                raise
        reply = await self._chat.ask(messages)
        # Only now it is known that the schema was at fault and not the request.
        self._takes_schema = False
        return reply


def answer_of(wire: AnswerFields, question: Question, *, due: bool) -> tuple[str, str | None]:
    """The words and the letter of an answer, both empty unless one is due.

    The letter is written `B` or `(B)`. Raises Malformed where an answer is due and none is given.
    """
    if not due:
        return "", None
    letter = None
    if wire.choice is not None and question.options:
        letter = wire.choice.strip().removeprefix("(").removesuffix(")")
        if question.option(letter) is None:
            letters = ", ".join(question.letters)
            raise Malformed(f'"choice" is {wire.choice!r:.20}; it must be one of {letters}')
    if not wire.answer.strip():
        raise Malformed('"answer" is empty, but an answer is due')
    if question.options and letter is None:
        raise Malformed('"choice" is null, but the letter of an option is due')
    return wire.answer.strip(), letter
