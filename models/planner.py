"""The planner at an endpoint: a chat model that calls tools, natively or as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

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

from videoseal.core.errors import ModelReplyError
from videoseal.core.settings import Endpoint, Settings
from videoseal.models.client import EndpointChat, was_cut
from videoseal.models.fence import escape_special
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

__all__ = ["EndpointPlanner", "make_planner"]


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
        tools = kwargs.get("tools", [])
        asked = _harmless(messages, tools)
        if self.call_format != "native":
            asked, kwargs = self._as_text(messages, kwargs)
        body = await self._ask(asked, kwargs, stop)
        # langchain would refuse the whole reply for arguments that are JSON but no object.
        raw = [choice["message"].pop("tool_calls", None) for choice in body["choices"]]
        result = self._result(body)
        for generation, calls in zip(result.generations, raw, strict=True):
            message = generation.message
            assert isinstance(message, AIMessage)
            found = self._calls(message, calls, len(messages), tools)
            message.tool_calls = found.calls
            message.invalid_tool_calls = _told(found.invalid, tools, again=_failed(messages))
        return result

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
                hint="raise the server's limit of output tokens, or have the model think less",
            )
        if self.call_format != "native":
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
        if tools and self.call_format == "json":
            given["response_format"] = _call_schema(tools)
        return as_text_messages(messages, tools, brief=self.call_format == "brief"), given

    def _with_tags(self, text: str) -> str:
        """The history shows every call in the one form that the system prompt describes."""
        bare = self.call_format == "json" and CALL_START not in text
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
    """What others wrote is escaped; what could not be read is sent back as readable JSON."""
    found: list[BaseMessage] = []
    for message in messages:
        update: dict[str, Any] = {}
        if isinstance(message, HumanMessage | ToolMessage):
            update["content"] = escape_special(message.text)
        elif isinstance(message, AIMessage) and message.tool_calls and message.text:
            # A template would write calls that stand in the text a second time.
            update["content"] = "" if says_its_calls(message, tools) else message.content
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
