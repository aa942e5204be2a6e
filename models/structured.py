"""Replies of an agreed form: asked for by JSON schema, read leniently, asked for twice at most.

What can be read in one way only is read at once. The second request shows the model its own reply
and no pictures; a model that said nothing at all is shown the whole task again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import ValidationError

from videoseal.core.errors import (
    ModelError,
    ModelRejected,
    ModelReplyError,
    ModelUnavailable,
    faults,
)
from videoseal.core.settings import Endpoint, Role, Settings
from videoseal.core.span import format_time
from videoseal.core.text import normalise
from videoseal.models import prompts
from videoseal.models.client import EndpointChat, reasoning_of, usage_of, was_cut
from videoseal.models.fence import escape_special
from videoseal.models.limits.refusals import too_big, too_long
from videoseal.models.limits.sight import correct, frames_that_fit, keep_limit
from videoseal.models.pictures import Illustrated
from videoseal.models.reading.json_text import after_thoughts, json_parts
from videoseal.models.reading.letters import read_choice
from videoseal.models.reading.wire import Wire, bare_name
from videoseal.models.types import Frame, Question, Reply, Usage

__all__ = [
    "AnswerFields",
    "Form",
    "Malformed",
    "StructuredRole",
    "answer_of",
]

T = TypeVar("T")
W = TypeVar("W", bound=Wire)

_TOLD: Final = 5
"""Faults of a reply that its model is told of."""
_DEPTH: Final = 4
"""Wrappings around an object that are looked into."""


class Malformed(ValueError):
    """A reply of the wrong form; the text is sent back to the model."""


class AnswerFields(Protocol):
    """The fields of a reply that may give an answer."""

    answer: str
    choice: Any


class Form(NamedTuple, Generic[W, T]):
    """What a reply must look like and what is made of it."""

    wire: type[W]
    read: Callable[[W], T]
    """Checks what a schema cannot say; raises Malformed."""
    rules: Mapping[str, Any]
    """The JSON schema that only good replies fulfil."""
    stands: Callable[[T, str], bool] = lambda value, said: True
    """Whether what is claimed without the pictures stood already in what was said of them."""

    def schema(self) -> dict[str, Any]:
        """The `response_format` for servers that can hold a model to a schema."""
        return _as_format(self.wire.__name__.strip("_").lower(), self.rules)

    def parse(self, message: AIMessage) -> tuple[T, tuple[str, ...]]:
        """What a reply means, and which kinds of mending that took.

        Where nothing was said the last whole object of the reasoning counts. Raises Malformed with
        words that the model can act on.
        """
        cut = was_cut(message)
        said = after_thoughts(str(message.text))
        mended: tuple[str, ...] = ()
        if not said and not cut and (thought := reasoning_of(message)):
            found = self._candidates(thought, finished=True)[-1:]
            mended = ("in the reasoning",)
        else:
            found = self._candidates(said, finished=not cut)
        if not found:
            raise Malformed(_why_none(said, cut=cut))
        wire = self._one(found)
        mended += ("form",) if any(loose for _, loose in found) else ()
        return self.read(wire), mended if said[:1] == "{" else (*mended, "wrapped")

    def _candidates(self, text: str, *, finished: bool) -> list[tuple[Any, bool]]:
        """The objects of a text that could be meant, each with the mending it took."""
        found: list[tuple[Any, bool]] = []
        decides = bare_name(self.wire.decides)
        for part in json_parts(text, finished=finished):
            if part.value is not None:
                inner = list(_deciding(part.value, decides))
                others = [part.value] if isinstance(part.value, dict) else []
                found += [(value, part.mended) for value in inner or others]
        deciding = [pair for pair in found if decides in map(bare_name, pair[0])]
        return deciding or found[:1]

    def _one(self, found: Sequence[tuple[Any, bool]]) -> W:
        """The one reply among objects; those whose deciding field says nothing are a form."""
        good: list[W] = []
        bad: list[str] = []
        for value, _ in found:
            try:
                wire = self.wire.model_validate(value)
            except ValidationError as error:
                told = [fault for fault in faults(error) if fault.place[:1] != (self.wire.decides,)]
                bad += [fault.line("the reply") for fault in faults(error)]
                if len(told) == len(faults(error)) and len(found) > 1:
                    raise Malformed("; ".join(bad[:_TOLD])) from None
            else:
                good += [] if wire in good else [wire]
        if len(good) > 1:
            raise Malformed("it holds two different objects: say which one counts")
        if not good:
            raise Malformed("; ".join(bad[:_TOLD]))
        return good[0]


def _as_format(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}


def _deciding(value: Any, decides: str, depth: int = _DEPTH) -> Iterator[dict[str, Any]]:
    """Objects with the deciding field, however they are wrapped, also one inside another."""
    if isinstance(value, dict) and decides in map(bare_name, value):
        yield value
    if depth and isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _deciding(inner, decides, depth - 1)
    elif depth and isinstance(value, str) and "{" in value:
        for part in json_parts(value):
            yield from _deciding(part.value, decides, depth - 1)


def _why_none(said: str, *, cut: bool) -> str:
    if cut:
        return "it was cut off by the limit of tokens: send the whole object, and much shorter"
    why = next((part.error for part in json_parts(said) if part.error), "")
    return why or "it is not one JSON object"


class StructuredRole:
    """A role at an endpoint that replies in an agreed form."""

    role: Role
    told: str
    """Name of its prompt."""

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        self._chat = EndpointChat.at(settings, endpoint, self.role)
        self.name = f"{endpoint.model}@{prompts.version(self.told)}"

    async def _ask(
        self, task: str, form_of: Callable[[Sequence[Frame]], Form[W, T]],
        frames: Sequence[Frame] = (),
    ) -> Reply[T]:  # fmt: skip
        """Ask, and once more with the error if the reply is malformed.

        Frames follow the task, each after its timestamp; `form_of` is told which of them the server
        took. Raises ModelReplyError when the second reply is malformed too, and what the endpoint
        raises.
        """
        started = time.perf_counter()
        spent = [Usage()]
        try:
            value, mended = await self._twice(task, form_of, frames, spent)
        except ModelError as error:
            if error.cost:
                spent[0] = spent[0].plus(error.cost._replace(calls=error.cost.calls - 1))
            error.cost = spent[0]._replace(seconds=time.perf_counter() - started)
            raise
        usage = spent[0]._replace(seconds=time.perf_counter() - started)
        return Reply(value, usage).mended_by(*mended)

    async def _twice(
        self, task: str, form_of: Callable[[Sequence[Frame]], Form[W, T]],
        frames: Sequence[Frame], spent: list[Usage],
    ) -> tuple[T, tuple[str, ...]]:  # fmt: skip
        reply, shown, form = await self._look(task, form_of, frames, spent)
        fewer = ("fewer frames",) if len(shown) < len(frames) else ()
        try:
            value, mended = form.parse(reply)
        except Malformed as problem:
            said = after_thoughts(str(reply.text))
            told = [AIMessage(escape_special(str(reply.text)) or "(nothing)"),
                    HumanMessage(prompts.repair(str(problem)))]  # fmt: skip
            if said or not frames:
                times = [format_time(frame.time, decimals=1) for frame in shown]
                reply = await self._send("\n".join([task, *times]), form, told, spent)
            else:
                reply, shown, form = await self._look(task, form_of, shown, spent, told)
            value, mended = self._last_chance(form, reply, said)
            mended = ("asked again", *mended)
        return value, (*mended, *fewer)

    async def _look(
        self, task: str, form_of: Callable[[Sequence[Frame]], Form[W, T]],
        frames: Sequence[Frame], spent: list[Usage], told: Sequence[BaseMessage] = (),
    ) -> tuple[AIMessage, Sequence[Frame], Form[W, T]]:  # fmt: skip
        """The reply to as many frames as the server takes, and those frames."""
        chat, most = self._chat, len(frames)
        learned, endpoint = chat.learned, chat.policy.endpoint
        if frames:
            most = frames_that_fit(frames, endpoint.model, learned, endpoint.max_tokens or 0)
        last: ModelError | None = None
        while True:
            self._see(frames)
            shown = _spread(frames, most)
            form = form_of(shown)
            pictures = Illustrated(task, shown, endpoint.image_detail)
            spent[0] = spent[0]._replace(frames=len(shown) if not told else spent[0].frames)
            try:
                reply = await self._send(pictures.content, form, told, spent)
            except (ModelRejected, ModelUnavailable) as refused:
                fewer = learned.fewer_pictures(refused, len(shown))
                last = refused
                if fewer is None:
                    self._see(frames)
                    raise self._with_limits(refused, frames) from None
                most = fewer
            else:
                if last:
                    keep_limit(learned, last, shown)
                if not told:
                    correct(learned, usage_of(reply).prompt_tokens, task, shown, endpoint.model)
                return reply, shown, form

    def _see(self, frames: Sequence[Frame]) -> None:
        """Raises ModelRejected where the model was found to take no pictures at all."""
        words, policy = self._chat.learned.blind, self._chat.policy
        if frames and words:
            raise ModelRejected(
                f"the model {policy.endpoint.model} at {policy.place} takes no pictures: "
                f"{policy.redact(words)}",
                role=policy.role,
                hint=f"set {policy.setting('MODEL')} to a model that does; where the server has "
                "changed: videoseal doctor --probe",
            )

    def _with_limits(self, refused: ModelError, frames: Sequence[Frame]) -> ModelError:
        if frames and (too_big(refused) or too_long(refused)):
            refused.hint = (
                "lower VIDEOSEAL_FRAME_SIDE, or the frames of a look (frames_per_inspect)"
            )
        return refused

    def _last_chance(
        self, form: Form[W, T], reply: AIMessage, said: str
    ) -> tuple[T, tuple[str, ...]]:
        policy = self._chat.policy
        try:
            value, mended = form.parse(reply)
            if said and not form.stands(value, said):
                raise Malformed("it claims what its first reply did not see")
        except Malformed as problem:
            hint = f"{policy.setting('MODEL')} may be too weak for this role"
            if was_cut(reply):
                hint = policy.longer_replies
            raise ModelReplyError(
                f"the {policy.role} at {policy.place} twice replied in the wrong form: "
                f"{policy.redact(str(problem))}",
                role=policy.role,
                hint=hint,
            ) from None
        return value, mended

    async def _send(
        self, content: str, form: Form[W, T], told: Sequence[BaseMessage], spent: list[Usage]
    ) -> AIMessage:
        """One reply, held to the schema by the server if it can; what it cost is added."""
        messages = [SystemMessage(prompts.render(self.told)), HumanMessage(content), *told]
        spent[0] = spent[0].plus(Usage(calls=1))
        reply = await self._chat.ask(messages, response_format=form.schema())
        spent[0] = spent[0].plus(usage_of(reply)._replace(calls=0))
        refusal = reply.response_metadata.get("refusal", "")
        if refusal or reply.response_metadata.get("finish_reason") == "content_filter":
            policy = self._chat.policy
            what = (
                f"said no: {policy.redact(refusal)}" if refusal else "was held back by its filter"
            )
            raise ModelReplyError(
                f"the {policy.role} at {policy.place} {what}",
                role=policy.role,
                hint="ask in other words, or look at other frames",
            )
        return reply


def _spread(frames: Sequence[Frame], most: int) -> Sequence[Frame]:
    """At most so many of the frames, evenly over all of them."""
    if len(frames) <= most:
        return frames
    return [frames[(2 * place + 1) * len(frames) // (2 * most)] for place in range(most)]


def answer_of(wire: AnswerFields, question: Question, *, due: bool) -> tuple[str, str | None]:
    """The words and the letter of an answer, both empty unless one is due.

    Raises Malformed where an answer is due and none is given, and where the letter is not that of
    the words.
    """
    if not due:
        return "", None
    letter = None
    try:
        if question.options:
            letter = read_choice(wire.choice, question)
    except ValueError as problem:
        raise Malformed(str(problem)) from None
    answer = wire.answer.strip()
    if not answer:
        raise Malformed('"answer" is empty, but an answer is due')
    if question.options and letter is None:
        raise Malformed('"choice" is null, but the letter of an option is due')
    if letter is not None and _option_of(answer, question) not in (None, letter):
        raise Malformed(f'"choice" is {letter}, but "answer" is the text of another option')
    return answer, letter


def _option_of(answer: str, question: Question) -> str | None:
    """The one option that a text is."""
    said = normalise(answer).casefold()
    texts = [normalise(option).casefold() for option in question.options]
    return question.letters[texts.index(said)] if texts.count(said) == 1 else None
