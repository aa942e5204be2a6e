"""The offline planner: a plain search policy that speaks through the chat-model interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from videoseal.models.offline.history import read_history
from videoseal.models.offline.search_policy import next_call

__all__ = ["SearchPolicy"]

_TOOLS = ("visual_retrieve", "overview", "visual_inspect", "give_up")


class SearchPolicy(BaseChatModel):
    """Searches by the words of the question; no language model, and no understanding.

    It keeps nothing between calls: each turn it reads the whole conversation and works out the
    next call from it, one call a turn, so it runs under any graph and checkpointer. It never
    answers, unless a tool `finish` is bound to it.
    """

    @property
    def _llm_type(self) -> str:
        return "search-policy-1"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools; those it does not know are never called."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        bound = kwargs.get("tools")
        names = [tool["function"]["name"] for tool in bound] if bound is not None else _TOOLS
        history = read_history(messages)
        tool, args = next_call(history, names)
        call = {"name": tool, "args": args, "id": f"call_{history.turns + 1}", "type": "tool_call"}
        message = AIMessage(content="", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=message)])
