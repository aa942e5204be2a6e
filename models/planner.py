"""The planner at an endpoint: a chat model that calls tools, natively or as text."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, Final, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    ToolMessage,
)
from langchain_core.outputs import ChatResult
from pydantic import Field

from videoseal.core.errors import (
    ModelError,
    ModelRejected,
    ModelReplyError,
    ModelUnavailable,
)
from videoseal.core.settings import Endpoint, Settings
from videoseal.models.client import ECHO, EndpointChat, echo_of, usage_of, was_cut
from videoseal.models.fence import escape_special
from videoseal.models.limits.refusals import (
    about_model,
    about_pictures,
    about_tools,
    lengths,
    too_long,
)
from videoseal.models.reading.json_text import after_thoughts
from videoseal.models.reply import (
    CALL_END,
    CALL_START,
    CallParts,
    call_example,
    read_native_calls,
    read_text_calls,
)
from videoseal.models.tool_text import as_text_messages, says_its_calls
from videoseal.models.types import Usage

__all__ = ["EndpointPlanner", "make_planner"]

log = logging.getLogger(__name__)

_START: Final = 300
"""Characters of an old result that are kept where the context is full."""
_CUT: Final = "... (shortened)"


def make_planner(settings: Settings, endpoint: Endpoint) -> BaseChatModel:
    """The planner at `endpoint`, in the form of `settings.tool_call_format`.

    Use it with `bind_tools` and `ainvoke`. A call that cannot be read is an entry of
    `invalid_tool_calls` with an id, for the caller to answer; failures are ModelErrors.
    """
    form = settings.tool_call_format
    return EndpointPlanner.at(settings, endpoint, "planner", call_format=form)


class EndpointPlanner(EndpointChat):
    """Calls tools as `call_format` says; what others wrote is escaped.

    `native` are OpenAI tool calls. The other forms are text, for servers that offer plain chat
    only: `brief` has a system prompt of some hundred tokens, for planners trained on it; `json` is
    held to the tools' schema by the server, for small models that lose the form (the server must
    honour `response_format` of type `json_schema`, as llama.cpp and vLLM do).
    """

    call_format: Literal["native", "text", "brief", "json"] = Field("native", exclude=True)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        tools, first = kwargs.get("tools", []), Usage(0)
        body = await self._in_context(messages, kwargs, stop)
        if _only_thought(body):
            # Most thoughts end in twice the tokens; a server of its own limit is told below.
            wider = self.policy.endpoint.max_tokens
            more = {"max_tokens": 2 * wider} if wider else {}
            first = usage_of(self._result(body).generations[0].message)
            body = await self._in_context(messages, {**kwargs, **more}, stop)
        # langchain would refuse the whole reply for arguments that are JSON but no object.
        raw = [choice["message"].pop("tool_calls", None) for choice in body["choices"]]
        result = self._result(body)
        for generation, choice, calls in zip(result.generations, body["choices"], raw, strict=True):
            message = generation.message
            assert isinstance(message, AIMessage)
            _count(message, first)
            found = self._calls(message, calls, len(messages), tools)
            if echo := echo_of(choice["message"], calls):
                message.additional_kwargs[ECHO] = echo
            message.tool_calls = found.calls
            message.invalid_tool_calls = _told(found.invalid, tools, again=_failed(messages))
        return result

    @property
    def form(self) -> Literal["native", "text", "brief", "json"]:
        """How tools are called: as text where the server was found to take no native ones."""
        return "text" if "tools" in self.learned.refused else self.call_format

    async def _in_context(
        self, messages: list[BaseMessage], options: dict[str, Any], stop: list[str] | None
    ) -> dict[str, Any]:
        """One reply; a conversation that is too long is asked once more with old results cut."""
        long, learned, share = (
            sum(len(str(message.text)) for message in messages),
            self.learned,
            0.5,
        )
        if learned.full is None or long < learned.full:
            try:
                return await self._plan(messages, options, stop)
            except (ModelRejected, ModelUnavailable) as refused:
                if not too_long(refused):
                    raise
                told = lengths(refused.said)
                share = 0.9 * told.allowed / told.needed if told else share
        try:
            body = await self._plan(_shortened(messages, int(long * (1 - share))), options, stop)
        except (ModelRejected, ModelUnavailable) as refused:
            if too_long(refused):
                refused.hint = (
                    "serve the model with a longer context (vLLM: --max-model-len), or lower the "
                    f"steps of a question or {self.policy.setting('MAX_TOKENS')}"
                )
            raise
        learned.full = min(long, learned.full or long)
        return body

    async def _plan(
        self, messages: list[BaseMessage], options: dict[str, Any], stop: list[str] | None
    ) -> dict[str, Any]:
        """One reply; a server that refuses tools is told of them in words from then on."""
        native = self.form == "native"
        refused: ModelError | None = None
        if native:
            tools = options.get("tools", [])
            try:
                asked, given = _harmless(messages, tools), options
                if tools:
                    given = {**options, "tools": list(map(_strict, tools))}
                    given.setdefault("tool_choice", "required")
                return await self._ask(asked, given, stop)
            except (ModelRejected, ModelUnavailable) as error:
                if not tools or not (about_tools(error) or _unclear(error)):
                    raise
                refused = error
        asked, given = self._as_text(messages, options)
        try:
            body = await self._ask(asked, given, stop)
        except ModelError:
            if refused:
                raise refused from None
            raise
        if refused:
            self.learned.refused.add("tools")
            log.warning(
                "%s takes no native tool calls (%s): they go as text from now on; "
                "VIDEOSEAL_TOOL_CALL_FORMAT=text saves this request, and of vLLM so do "
                "--enable-auto-tool-choice and --tool-call-parser",
                self.policy.place, self.policy.redact(refused.said),
            )  # fmt: skip
        return body

    def _calls(
        self, message: AIMessage, raw: object, turn: int, tools: Sequence[dict[str, Any]]
    ) -> CallParts:
        """The calls of a reply; many servers leave native ones in the words of the model."""
        cut = was_cut(message)
        if cut and not after_thoughts(str(message.text)) and not raw:
            raise ModelReplyError(
                f"the reply of the planner at {self.policy.place} was cut by its limit of tokens "
                "while it was still thinking",
                role="planner",
                hint=self.policy.longer_replies,
            )
        if self.form != "native":
            message.content = self._with_tags(str(message.text))
        found = read_native_calls(raw, turn)
        if found.calls or found.invalid:
            return found
        return read_text_calls(str(message.text), turn, tools, finished=not cut)

    def _as_text(
        self, messages: list[BaseMessage], options: dict[str, Any]
    ) -> tuple[list[BaseMessage], dict[str, Any]]:
        given = {"tools": [], **options}
        tools = given.pop("tools")
        for name in ("tool_choice", "parallel_tool_calls"):
            given.pop(name, None)
        if tools and self.form == "json":
            given["response_format"] = _call_schema(tools)
        return as_text_messages(messages, tools, brief=self.form == "brief"), given

    def _with_tags(self, text: str) -> str:
        """The history shows every call in the one form that the system prompt describes."""
        bare = self.form == "json" and CALL_START not in text
        return f"{CALL_START}{text.strip()}{CALL_END}" if bare else text


def _call_schema(tools: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A schema that only calls of these tools fulfil."""
    calls = [
        {
            "type": "object",
            "properties": {
                "name": {"const": tool["function"]["name"]},
                "arguments": tool["function"]["parameters"],
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for tool in tools
    ]
    schema = {"name": "call", "schema": {"anyOf": calls}, "strict": False}
    return {"type": "json_schema", "json_schema": schema}


def _strict(tool: dict[str, Any]) -> dict[str, Any]:
    return {**tool, "function": {**tool["function"], "strict": True}}


def _unclear(error: ModelError) -> bool:
    """Whether a refusal may be about anything that was sent."""
    explained = too_long(error) or about_pictures(error.said) or about_model(error)
    return error.status in (400, 422, 501) and not explained


def _count(message: AIMessage, earlier: Usage) -> None:
    """Add what an earlier try of the same turn cost."""
    if earlier.calls and message.usage_metadata:
        message.usage_metadata["input_tokens"] += earlier.prompt_tokens
        message.usage_metadata["output_tokens"] += earlier.completion_tokens
        message.usage_metadata["total_tokens"] += sum(earlier[1:3])


def _only_thought(body: dict[str, Any]) -> bool:
    """Whether a reply was cut by its limit before anything was said."""
    first = body["choices"][0]
    message = first["message"]
    said = message.get("tool_calls") or after_thoughts(str(message["content"]))
    return first.get("finish_reason") == "length" and not said


def _shortened(messages: Sequence[BaseMessage], least: int) -> list[BaseMessage]:
    """Without at least so many characters of results, the oldest first; only starts are kept."""
    found = list(messages)
    for place, message in enumerate(messages):
        text = str(message.text)
        if least <= 0:
            break
        if isinstance(message, ToolMessage) and len(text) > _START:
            found[place] = message.model_copy(update={"content": f"{text[:_START]}{_CUT}"})
            least -= len(text) - _START
    return found


def _failed(messages: Sequence[BaseMessage]) -> bool:
    """Whether the turn before could not be read either."""
    turns = [message for message in messages if isinstance(message, AIMessage)]
    return bool(turns and turns[-1].invalid_tool_calls)


def _told(
    invalid: Sequence[InvalidToolCall], tools: Sequence[dict[str, Any]], *, again: bool
) -> list[InvalidToolCall]:
    """With a call to copy in what the planner reads, said otherwise the second time."""

    def told(call: InvalidToolCall) -> str:
        form = call_example(tools, call["name"])
        if again:
            return f"Once more it is no call. Copy this line, with values of your own: {form}"
        return f"{call['error']}. The form of a call is {form}"

    return [{**call, "error": told(call)} if tools else call for call in invalid]


def _harmless(
    messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]
) -> list[BaseMessage]:
    """What others wrote is escaped, thoughts in words are dropped, and bad calls are good JSON."""
    found: list[BaseMessage] = []
    for message in messages:
        update: dict[str, Any] = {}
        if isinstance(message, HumanMessage | ToolMessage):
            update["content"] = escape_special(message.text)
        elif isinstance(message, AIMessage) and message.tool_calls and message.text:
            # A template would write calls that stand in the text a second time.
            update["content"] = "" if says_its_calls(message, tools) else message.content
        if isinstance(message, AIMessage) and "</think>" in message.text:
            said = update.get("content", message.text)
            update["content"] = after_thoughts(said)
        if isinstance(message, AIMessage) and message.invalid_tool_calls:
            # Servers parse the arguments of past calls and refuse a request that they cannot.
            update["invalid_tool_calls"] = [
                {**call, "name": call["name"] or "unreadable", "args": _quoted(call["args"])}
                for call in message.invalid_tool_calls
            ]
        found.append(message.model_copy(update=update) if update else message)
    return found


def _quoted(raw: str | None) -> str:
    return json.dumps({"unreadable": raw or ""}, ensure_ascii=False)
