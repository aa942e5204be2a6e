"""The policy in training as the graph's planner: a chat model over an engine of tokens.

The graph is the one that is served and does not know of training; each episode has a model of its
own, so that one process holds any number of episodes at once.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field, SkipValidation

from videoseal.core.errors import ModelUnavailable
from videoseal.graph.budget import OutOfBudget
from videoseal.models.reply import read_strict_calls
from videoseal.rl.episodes.tokens import TURN, ContextFull, Transcript

__all__ = ["Engine", "PolicyChat", "Speaker"]


class Engine(Protocol):
    """OpenRLHF's rollout actor, as far as it is used here."""

    async def generate(self, prompt_token_ids: list[int], sampling_params: Any) -> Any:
        """Sample once; the result has vLLM's `outputs[0]`."""


@dataclass(slots=True)
class Speaker:
    """The policy's side of one running episode."""

    transcript: Transcript
    engine: Engine
    sampling: Any
    """vLLM's SamplingParams; never changed, only copied."""
    turn_tokens: int | None = None
    """Tokens of one turn at most, beside what `sampling` says."""
    generating: float = 0.0
    """Seconds spent waiting for the engine."""
    full: bool = False
    """Whether the context had no room for another turn."""

    async def turn(self, messages: Sequence[BaseMessage], tools: Sequence[Any]) -> AIMessage:
        """The policy's next message.

        Raises OutOfBudget when its context is full, and ModelUnavailable when the engine fails.
        """
        try:
            prompt = self.transcript.prompt(messages, tools)
        except ContextFull:
            self.full = True
            raise OutOfBudget("tokens") from None
        limits = (self.transcript.room, self.turn_tokens, self.sampling.max_tokens)
        sampling = copy.copy(self.sampling)
        sampling.max_tokens = min(limit for limit in limits if limit is not None)
        choice = await self._sample(prompt, sampling)
        ids = list(choice.token_ids)
        mark = self.transcript.said(ids, _logprobs(choice, ids), str(choice.finish_reason))
        text = self.transcript.text(ids)
        calls = read_strict_calls(text, turn=len(messages))
        return AIMessage(
            text,
            tool_calls=calls.calls,
            invalid_tool_calls=calls.invalid,
            response_metadata={TURN: mark},
            usage_metadata={
                "input_tokens": len(prompt),
                "output_tokens": len(ids),
                "total_tokens": len(prompt) + len(ids),
            },
        )

    async def _sample(self, prompt: list[int], sampling: Any) -> Any:
        began = time.monotonic()
        try:
            output = await self.engine.generate(prompt, sampling)
        except Exception as error:  # whatever an engine raises is no fault of the policy
            told = f"{type(error).__name__}: {error}"
            raise ModelUnavailable(f"the engine failed: {told}", role="planner") from error
        finally:
            self.generating += time.monotonic() - began
        choice = output.outputs[0] if output is not None and output.outputs else None
        if choice is None or not choice.token_ids or choice.finish_reason == "abort":
            raise ModelUnavailable("the engine broke off", role="planner")
        return choice


class PolicyChat(BaseChatModel):
    """The planner of one episode, whose turns are sampled and recorded token by token."""

    speaker: SkipValidation[Speaker] = Field(repr=False)

    @property
    def _llm_type(self) -> str:
        return "policy"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Have the tools described at the end of the system prompt."""
        return cast("Runnable[Any, AIMessage]", self.bind(tools=list(tools)))

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError("the policy is asked asynchronously: use ainvoke")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = await self.speaker.turn(messages, kwargs.get("tools", []))
        return ChatResult(generations=[ChatGeneration(message=message)])


def _logprobs(choice: Any, ids: Sequence[int]) -> list[float] | None:
    """Of the sampled tokens; None where the engine was not asked for them."""
    if not choice.logprobs:
        return None
    pairs = zip(ids, choice.logprobs, strict=True)
    return [float(entry[token].logprob) for token, entry in pairs]
