"""The file that OpenRLHF loads by `--train.agent_func_path`.

It is executed outside the module system, so there is nothing here but the one name it looks for.
"""

from __future__ import annotations

from openrlhf.utils.agent import AgentExecutorBase

from videoseal.rl.episodes.executor import GraphExecutor

__all__ = ["AgentExecutor"]


class AgentExecutor(GraphExecutor, AgentExecutorBase):  # type: ignore[misc]  # openrlhf has no types
    """Episodes of the graph, as SEAL_ROLLOUT configures them."""
