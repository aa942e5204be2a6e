"""A planner that looks at random, but now and then where the answer is: a poor teacher."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field

from videoseal.core.span import Span

__all__ = ["WildPlanner"]

_WINDOW_S = 10.0


class WildPlanner(BaseChatModel):
    """Inspects one window of ten seconds a turn; the right one with probability `luck`."""

    gold: Mapping[str, Sequence[tuple[float, float]]]
    """Gold spans by the question as it is rendered."""
    duration: float
    luck: float
    chance: random.Random = Field(default_factory=random.Random)

    @property
    def _llm_type(self) -> str:
        return "wild"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return cast("Runnable[Any, AIMessage]", self.bind(tools=tools))

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        question = messages[1].text.split("\n", 1)[1]
        spans = self.gold.get(question)
        at = self.chance.random() * self.duration
        if spans and self.chance.random() < self.luck:
            at = sum(self.chance.choice(spans)) / 2
        start = at // _WINDOW_S * _WINDOW_S
        span = Span(start, min(start + _WINDOW_S, self.duration))
        call = {"name": "visual_inspect", "args": {"spans": [str(span)]}, "id": "c"}
        message = AIMessage("", tool_calls=[{**call, "type": "tool_call"}])
        return ChatResult(generations=[ChatGeneration(message=message)])
