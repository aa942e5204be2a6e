"""The half of a Ray run that lives on the nodes: an actor that asks questions there.

Settings reach it without their secrets, which every node has in its own environment.
"""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NamedTuple

from videoseal.core.errors import SettingsError, VideosealError
from videoseal.core.settings import REFERENCE_NAMES, ROLES, Endpoint, Settings
from videoseal.evals.item import Item
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import SampleError
from videoseal.evals.running.sample import Sampler, failed
from videoseal.evals.running.system_settings import Endpoints, Systems, model_names
from videoseal.graph.resources import open_resources

__all__ = [
    "OpenAgent",
    "Opened",
    "RayWorker",
    "Received",
    "Sent",
    "WorkerReady",
    "open_agent",
    "received",
    "secrets_of",
    "sent",
]


_DATABASE = "DATABASE_URL"
_NO_KEY = "none"
"""What an endpoint without a key has for one."""


class Sent(NamedTuple):
    """What a worker is told; fit to stand in a log."""

    settings: dict[str, Any]
    endpoints: dict[str, dict[str, str]]
    """Those that systems name, by the prefix of their variables."""
    secrets: tuple[str, ...]
    """Variables that the worker must have in its environment."""


class Received(NamedTuple):
    """The same with the secrets, as a worker has it."""

    settings: Settings
    endpoints: Endpoints


def sent(settings: Settings, endpoints: Endpoints) -> Sent:
    """The settings without keys and passwords."""
    return Sent(
        settings.public(),
        {name: each.model_dump(exclude={"api_key"}) for name, each in endpoints.items()},
        tuple(secrets_of(settings, endpoints)),
    )


def secrets_of(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    """Keys and passwords by the variable that a worker finds them in."""
    own = {f"VIDEOSEAL_{role.upper()}": settings.endpoint(role) for role in ROLES}
    found = {
        f"{prefix}_API_KEY": endpoint.api_key.get_secret_value()
        for prefix, endpoint in {**own, **endpoints}.items()
        if endpoint is not None
    }
    found = {name: value for name, value in found.items() if value != _NO_KEY}
    if settings.database_url is not None:
        found[_DATABASE] = settings.database_url.get_secret_value()
    return found


def received(told: Sent, environ: Mapping[str, str]) -> Received:
    """What was sent, with the secrets that this process has in its environment.

    Raises SettingsError naming the first variable that is not there.
    """
    known = {name: _secret(name, environ) for name in told.secrets}
    values = dict(told.settings)
    for role in ROLES:
        if key := known.get(f"VIDEOSEAL_{role.upper()}_API_KEY"):
            values[role] = {**values[role], "api_key": key}
    values["database_url"] = known.get(_DATABASE)
    endpoints = {
        prefix: Endpoint.model_validate(
            {**each, "api_key": known.get(f"{prefix}_API_KEY", _NO_KEY)}
        )
        for prefix, each in told.endpoints.items()
    }
    return Received(Settings.model_validate(values), endpoints)


def _secret(name: str, environ: Mapping[str, str]) -> str:
    others = [
        f"{reference}_API_KEY"
        for reference, role in REFERENCE_NAMES.items()
        if name == f"VIDEOSEAL_{role.upper()}_API_KEY"
    ]
    for candidate in (name, *others):
        if environ.get(candidate):
            return environ[candidate]
    raise SettingsError(
        f"the Ray worker on {platform.node()} has no {name} in its environment",
        hint="set it where Ray is started on every node; keys are never sent",
    )


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
        yield Opened(model_names(resources), systems.sample)


class RayWorker:
    """Holds one agent for its life and is asked one question at a time."""

    def __init__(self, told: Sent, opening: OpenAgent) -> None:
        self._told = told
        self._opening = opening
        self._stack = ExitStack()
        self._opened: Opened | None = None

    async def ready(self) -> WorkerReady:
        """Open the agent, or say why that cannot be done."""
        try:
            opened = await self._agent()
        except VideosealError as error:
            return WorkerReady(platform.node(), {}, str(error), error.hint)
        return WorkerReady(platform.node(), opened.models)

    async def sample(self, item: Item, system: SystemSpec, video_id: str, duration: float) -> str:
        """Ask one question; its record as JSON."""
        try:
            opened = await self._agent()
        except VideosealError as error:
            trouble = SampleError(type=type(error).__name__, message=str(error))
            return failed(item, system, trouble, video_id, duration).model_dump_json()
        return (await opened.sample(item, system, video_id, duration)).model_dump_json()

    async def close(self) -> None:
        """Leave the database."""
        await asyncio.to_thread(self._stack.close)

    async def _agent(self) -> Opened:
        if self._opened is None:
            opening = self._opening(received(self._told, os.environ))
            self._opened = await asyncio.to_thread(self._stack.enter_context, opening)
        return self._opened
