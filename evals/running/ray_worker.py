"""The half of a Ray run that lives on the nodes: an actor that asks questions there."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

from videoseal.core.errors import VideosealError
from videoseal.evals.item import Item
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.evals.running.ray_settings import Received, Sent, received
from videoseal.evals.running.sample import Sampler, failed, run_sample
from videoseal.evals.running.system_settings import Systems, model_names
from videoseal.graph.resources import open_resources

__all__ = ["OpenAgent", "Opened", "RayWorker", "WorkerReady", "open_agent"]


class Opened(NamedTuple):
    """An agent that is ready to be asked."""

    models: dict[str, str]
    """Names by role, as a run's manifest has them."""
    sample: Sampler


class WorkerReady(NamedTuple):
    """What a worker says of itself before it is given work."""

    node: str
    models: dict[str, str]
    problem: str = ""
    """Why it cannot work; empty when it can."""
    hint: str = ""


OpenAgent = Callable[[Received], AbstractContextManager[Opened]]


@contextmanager
def open_agent(given: Received) -> Iterator[Opened]:
    """The real agent; raises StoreError and MissingDependency."""
    with open_resources(given.settings) as resources:
        systems = Systems(resources, given.endpoints)

        async def sample(
            item: Item, cell: SystemSpec, video_id: str, duration: float
        ) -> SampleRecord:
            return await run_sample(systems.of(cell), item, cell, video_id, duration)

        yield Opened(model_names(resources), sample)


class RayWorker:
    """Holds one agent for its life; every call asks one question and returns its record."""

    def __init__(self, told: Sent, opening: OpenAgent) -> None:
        self._told = told
        self._opening = opening
        self._stack = ExitStack()
        self._opened: Opened | None = None
        self._lock = asyncio.Lock()

    async def ready(self) -> WorkerReady:
        """Open the agent, or say why that cannot be done."""
        try:
            opened = await self._agent()
        except VideosealError as error:
            return WorkerReady(platform.node(), {}, str(error), error.hint)
        return WorkerReady(platform.node(), opened.models)

    async def sample(self, item: Item, cell: SystemSpec, video_id: str, duration: float) -> str:
        """Ask one question; its record as JSON."""
        try:
            opened = await self._agent()
        except VideosealError as error:
            trouble = SampleError(type=type(error).__name__, message=str(error))
            return failed(item, cell, trouble, video_id, duration).model_dump_json()
        return (await opened.sample(item, cell, video_id, duration)).model_dump_json()

    async def close(self) -> None:
        """Leave the database."""
        await asyncio.to_thread(self._stack.close)

    async def _agent(self) -> Opened:
        async with self._lock:
            if self._opened is None:
                opening = self._opening(received(self._told, os.environ))
                self._opened = await asyncio.to_thread(self._stack.enter_context, opening)
            return self._opened
