"""Threads that outlive a process: their checkpoints lie in the index's own database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

from videoseal.core.errors import DatabaseUnavailable
from videoseal.graph.app import Agent, build_agent
from videoseal.graph.baselines import build_baseline
from videoseal.graph.context import Mode
from videoseal.graph.resources import Resources, holding

if TYPE_CHECKING:
    from videoseal.indexing.store.store import Store

__all__ = ["lasting_agent"]


@asynccontextmanager
async def lasting_agent(resources: Resources, mode: Mode) -> AsyncIterator[Agent]:
    """The graph of a mode whose threads are kept; raises DatabaseUnavailable."""
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    store: Store = resources.store
    try:
        async with AsyncPostgresSaver.from_conn_string(store.database.conninfo) as saver:
            await saver.setup()
            held = holding(resources)
            if mode == "decoupled":
                yield build_agent(held, saver)
            else:
                yield build_baseline(mode, held, saver)
    except psycopg.Error as error:
        problem = str(error).splitlines()[0]
        raise DatabaseUnavailable(
            f"the thread cannot be kept at {store.place}: {problem}"
        ) from None
