"""What a process holds for all runs: settings, store, models and the frame cache."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from videoseal.core.environment import environment
from videoseal.core.settings import Settings
from videoseal.graph.seal import trust
from videoseal.indexing.store.store import Store
from videoseal.models.build import build_models
from videoseal.models.roles import Models
from videoseal.tools.frame_cache import FrameCache

__all__ = [
    "Provider",
    "Resources",
    "close_served",
    "holding",
    "open_resources",
    "resources_on",
    "served",
    "served_resources",
]


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything the nodes work with that is not state."""

    settings: Settings
    store: Store
    models: Models
    cache: FrameCache
    agents: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """Graphs that were built on these, by what tells them apart; see `app.agent_on`."""

    async def seal_key(self) -> bytes:
        """The key of the evidence seals; raises DatabaseUnavailable."""
        given = self.settings.seal_key
        if given is not None:
            return trust(given.get_secret_value().encode())
        return trust(await asyncio.to_thread(self.store.seal_key))


@contextmanager
def open_resources(settings: Settings) -> Iterator[Resources]:
    """Connect and build, and close the store at the end; raises StoreError, MissingDependency."""
    with Store.connect(settings) as store:
        yield resources_on(settings, store)


Provider = Callable[[], Awaitable[Resources]]
"""How a graph comes to its resources, given to its builder."""

_OPENING = threading.Lock()


async def served() -> Resources:
    """The provider of a server: the resources of the process."""
    return await asyncio.to_thread(served_resources)


def holding(resources: Resources) -> Provider:
    """The provider of a graph in one's own process."""

    async def held() -> Resources:
        return resources

    return held


def served_resources() -> Resources:
    """The resources of a server process, opened from the environment at the first call."""
    with _OPENING:
        return _served()


def close_served() -> None:
    """Close what `served_resources` opened, if it did."""
    with _OPENING:
        if _served.cache_info().currsize:
            _served().store.close()
            _served.cache_clear()


@functools.cache
def _served() -> Resources:
    settings = Settings.from_env(environment())
    return resources_on(settings, Store.connect(settings))


def resources_on(settings: Settings, store: Store) -> Resources:
    """What a process holds around an index that is open; raises MissingDependency."""
    return Resources(settings, store, build_models(settings), FrameCache.of(settings))
