"""What a process holds for all runs: settings, store, models and the frame cache."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from videoseal.core.settings import Settings
from videoseal.indexing.store.store import Store
from videoseal.models.build import build_models
from videoseal.models.roles import Models
from videoseal.tools.frame_cache import FrameCache

__all__ = [
    "Resources",
    "close_served",
    "open_resources",
    "resources_of_run",
    "resources_on",
    "served_resources",
    "using",
]


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything the nodes work with that is not state."""

    settings: Settings
    store: Store
    models: Models
    cache: FrameCache


@contextmanager
def open_resources(settings: Settings) -> Iterator[Resources]:
    """Connect and build, and close the store at the end; raises StoreError, MissingDependency."""
    with Store.connect(settings) as store:
        yield resources_on(settings, store)


_OF_RUN: ContextVar[Resources] = ContextVar("resources_of_run")
_OPENING = threading.Lock()


@contextmanager
def using(resources: Resources) -> Iterator[None]:
    """Runs of the graph started inside work with these; concurrent runs do not see each other's."""
    token = _OF_RUN.set(resources)
    try:
        yield
    finally:
        _OF_RUN.reset(token)


async def resources_of_run() -> Resources:
    """Those of `using`; in a server, which cannot hand them over, those of the process."""
    found = _OF_RUN.get(None)
    return found if found is not None else await asyncio.to_thread(served_resources)


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
    settings = Settings.from_env(os.environ)
    return resources_on(settings, Store.connect(settings))


def resources_on(settings: Settings, store: Store) -> Resources:
    """What a process holds around an index that is open; raises MissingDependency."""
    return Resources(settings, store, build_models(settings), FrameCache.of(settings))
