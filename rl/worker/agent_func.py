"""The file that OpenRLHF loads by `--train.agent_func_path`.

It is executed outside the module system, so there is nothing here but the one name it looks for.
"""

from __future__ import annotations

from typing import Any

from openrlhf.utils.agent import AgentExecutorBase

from videoseal.rl.episodes.chat_templates import Tokenizer
from videoseal.rl.episodes.executor import GraphExecutor
from videoseal.rl.episodes.policy import Engine
from videoseal.rl.episodes.response import Response

__all__ = ["AgentExecutor"]


class AgentExecutor(AgentExecutorBase):  # type: ignore[misc]  # openrlhf has no types
    """Episodes of the graph, as SEAL_ROLLOUT configures them."""

    def __init__(self) -> None:
        self._graph = GraphExecutor()

    async def execute(
        self,
        prompt: str,
        label: str,
        sampling_params: Any,
        max_length: int,
        hf_tokenizer: Tokenizer,
        llm_engine: Engine,
        images: object = None,
    ) -> Response:
        """Play one episode."""
        return await self._graph.execute(
            prompt, label, sampling_params, max_length, hf_tokenizer, llm_engine, images
        )
