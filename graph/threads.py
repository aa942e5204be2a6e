"""Threads that outlive a process: their checkpoints lie in the index's own database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from videoseal.core.errors import DatabaseUnavailable
from videoseal.graph.app import Agent
from videoseal.graph.baselines import build_mode
from videoseal.graph.context import Mode
from videoseal.graph.resources import Resources, holding

__all__ = ["lasting_agent"]


@asynccontextmanager
async def lasting_agent(resources: Resources, mode: Mode) -> AsyncIterator[Agent]:
    """The graph of a mode whose threads are kept; raises DatabaseUnavailable."""
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    store = resources.store
    try:
        async with AsyncPostgresSaver.from_conn_string(store.database.conninfo) as saver:
            await saver.setup()
            yield build_mode(mode, holding(resources), saver)
    except psycopg.Error as error:
        problem = str(error).splitlines()[0]
        raise DatabaseUnavailable(
            f"the thread cannot be kept at {store.place}: {problem}"
        ) from None
