"""The planner at an endpoint: a chat model that calls tools, natively or as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from videoseal.core.settings import Endpoint, Settings
from videoseal.models.client import EndpointChat, chat_options
from videoseal.models.fence import escape_special
from videoseal.models.tool_text import CallParts, as_text_messages, read_call, read_text_calls

__all__ = ["BriefPlanner", "JsonPlanner", "NativePlanner", "TextPlanner", "make_planner"]


def make_planner(settings: Settings, endpoint: Endpoint) -> BaseChatModel:
    """The planner at `endpoint`, in the form of `settings.tool_call_format`.

    Use it with `bind_tools` and `ainvoke`. A call that cannot be read is an entry of
    `invalid_tool_calls` with an id, for the caller to answer; failures are ModelErrors.
    """
    planner = _FORMATS[settings.tool_call_format]
    return planner(**chat_options(settings, endpoint, "planner"))


class NativePlanner(EndpointChat):
    """OpenAI tool calls; questions and tool results are escaped, arguments read strictly."""

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        payload = self._get_request_payload(_harmless(messages), stop=stop, **kwargs)
        response = await self.policy.call(lambda: self.async_client.create(**payload))
        body = self._body(response)
        # langchain would refuse the whole reply for arguments that are JSON but no object.
        raw = [choice["message"].pop("tool_calls", None) for choice in body["choices"]]
        result = self._result(body)
        for generation, calls in zip(result.generations, raw, strict=True):
            _attach(generation, _native_calls(calls, turn=len(messages)))
        return result


class TextPlanner(EndpointChat):
    """Tool calls as text, for servers that offer plain chat only."""

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        tools = kwargs.pop("tools", [])
        for name in ("tool_choice", "parallel_tool_calls"):
            kwargs.pop(name, None)
        plain = self._plain(messages, tools)
        result = await super()._agenerate(plain, stop, run_manager, **kwargs)
        for generation in result.generations:
            text = generation.message.content = self._said(str(generation.message.text))
            _attach(generation, read_text_calls(text, turn=len(messages)))
        return result

    def _plain(self, messages: list[BaseMessage], tools: list[dict[str, Any]]) -> list[BaseMessage]:
        return as_text_messages(messages, tools)

    def _said(self, text: str) -> str:
        return text


class BriefPlanner(TextPlanner):
    """Calls as text after a system prompt of some hundred tokens: for planners trained on it."""

    def _plain(self, messages: list[BaseMessage], tools: list[dict[str, Any]]) -> list[BaseMessage]:
        return as_text_messages(messages, tools, brief=True)


class JsonPlanner(TextPlanner):
    """Calls as text, held to the tools' schema by the server: for small models that lose the form.

    The server must honour `response_format` of type `json_schema`, as llama.cpp and vLLM do.
    """

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        tools = kwargs.get("tools", [])
        if tools:
            kwargs["response_format"] = _call_format(tools)
        return await super()._agenerate(messages, stop, run_manager, **kwargs)

    def _said(self, text: str) -> str:
        # The history shows every call in the one form that the system prompt describes.
        return text if "<tool_call>" in text else f"<tool_call>{text.strip()}</tool_call>"


_FORMATS: Final = {
    "native": NativePlanner,
    "text": TextPlanner,
    "brief": BriefPlanner,
    "json": JsonPlanner,
}


def _call_format(tools: Sequence[dict[str, Any]]) -> dict[str, Any]:
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


def _harmless(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """What others wrote is escaped; what could not be read is sent back as readable JSON."""
    found: list[BaseMessage] = []
    for message in messages:
        update: dict[str, Any] = {}
        if isinstance(message, HumanMessage | ToolMessage):
            update["content"] = escape_special(message.text)
        elif isinstance(message, AIMessage) and message.invalid_tool_calls:
            # Servers parse the arguments of past calls and refuse a request that they cannot.
            update["invalid_tool_calls"] = [
                {**call, "name": call["name"] or "unreadable", "args": _quoted(call["args"])}
                for call in message.invalid_tool_calls
            ]
        found.append(message.model_copy(update=update) if update else message)
    return found


def _quoted(raw: str | None) -> str:
    return json.dumps({"unreadable": raw or ""}, ensure_ascii=False)


def _native_calls(raw: object, turn: int) -> CallParts:
    parts = CallParts([], [])
    for number, item in enumerate(raw if isinstance(raw, list) else []):
        entry = item if isinstance(item, dict) else {}
        function = entry.get("function")
        function = function if isinstance(function, dict) else {}
        call_id = entry.get("id") or f"call_{turn}_{number}"
        call = read_call(function.get("name"), function.get("arguments") or "", str(call_id))
        if call["type"] == "tool_call":
            parts.calls.append(call)
        else:
            parts.invalid.append(call)
    return parts


def _attach(generation: ChatGeneration, parts: CallParts) -> None:
    message = generation.message
    if isinstance(message, AIMessage):
        message.tool_calls = parts.calls
        message.invalid_tool_calls = parts.invalid
