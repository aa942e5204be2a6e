"""A run on Ray: every node asks questions, this process alone keeps the records.

A sample is given to an actor that holds the agent. A worker that dies takes its sample along; that
is given to another, and since a record is only made of the reply that arrives here, every sample
is recorded once. Models are endpoints that all workers share.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, Final

from videoseal.core.errors import MissingDependency, SettingsError, VideosealError
from videoseal.core.settings import Settings
from videoseal.evals.item import Item
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.evals.running.ray_worker import (
    OpenAgent,
    RayWorker,
    Sent,
    WorkerReady,
    open_agent,
    secrets_of,
    sent,
)
from videoseal.evals.running.run import Sampling
from videoseal.evals.running.sample import Sampler, context_of, failed
from videoseal.evals.running.system_settings import Endpoints

__all__ = ["LOCAL", "LOST", "on_ray"]

LOCAL: Final = "local"
"""The address that starts a Ray of its own on this machine."""
LOST: Final = "WorkerLost"
"""Type of the error of a sample that several workers died of."""
_OBJECTS_BYTES: Final = 128 << 20
"""Records are small; Ray would take a third of the memory for them."""
_ANSWER_S: Final = 10.0
_START_S: Final = 120.0
_TRIES: Final = 3
"""Workers that a sample may cost."""
_LOST_AFTER_S: Final = 150.0
"""How much longer than its own limit a sample may take until its worker counts as lost."""


@contextmanager
def on_ray(
    settings: Settings,
    address: str,
    endpoints: Endpoints | None = None,
    opening: OpenAgent = open_agent,
) -> Iterator[Sampling]:
    """Connect to the Ray at `address`, or start one; gives what `run.run` takes as `on`.

    A Ray that this process is connected to already is used, and left as it is. Raises
    MissingDependency, SettingsError where workers could not reach the database, and VideosealError
    where no Ray answers.
    """
    ray = _ray()
    mine = not ray.is_initialized()
    if mine:
        _connect(ray, address, secrets_of(settings, endpoints or {}))
    told = sent(settings, endpoints or {})

    @asynccontextmanager
    async def sampling(concurrency: int, models: Mapping[str, str]) -> AsyncIterator[Sampler]:
        pool = _Pool(ray, told, opening, concurrency)
        try:
            await pool.start(models)
            yield pool.sample
        finally:
            await pool.close()

    try:
        _check_database(ray, settings)
        yield sampling
    finally:
        if mine:
            ray.shutdown()


class _Pool:
    """One actor for every sample in flight, so that a sample that kills takes no other along."""

    def __init__(self, ray: Any, told: Sent, opening: OpenAgent, concurrency: int) -> None:
        share = ray.cluster_resources().get("CPU", 1.0) / concurrency
        worker = ray.remote(RayWorker).options(
            num_cpus=min(1.0, int(share * 1000) / 1000),  # Ray counts in ten-thousandths
            max_concurrency=2,  # a worker can be closed while it asks
            scheduling_strategy="SPREAD",
        )
        self._ray = ray
        self._new: Callable[[], Any] = partial(worker.remote, told, opening)
        self._actors = {self._new() for _ in range(concurrency)}
        self._idle = asyncio.Queue[Any]()

    async def start(self, models: Mapping[str, str]) -> None:
        """Go on with those that come up in time.

        Raises VideosealError where none does, and where one cannot work or has other models than
        this process.
        """
        asked = {
            asyncio.wrap_future(actor.ready.remote().future()): actor for actor in self._actors
        }
        ready, late = await asyncio.wait(asked, timeout=_START_S)
        for reply in late:
            self._end(asked[reply])
        for reply in ready:
            _check_worker(reply.result(), models)
            self._idle.put_nowait(asked[reply])
        if not ready:
            raise VideosealError(
                f"no Ray worker started within {_START_S:.0f} s", hint="see `ray status`"
            )

    async def sample(
        self, item: Item, system: SystemSpec, video_id: str, duration: float
    ) -> SampleRecord:
        """Have one question asked, and asked again by another when its worker dies."""
        actor = await self._idle.get()
        began = time.monotonic()
        try:
            for _ in range(_TRIES):
                try:
                    async with asyncio.timeout(context_of(system).max_seconds + _LOST_AFTER_S):
                        reply = await actor.sample.remote(item, system, video_id, duration)
                        return SampleRecord.model_validate_json(reply)
                except (self._ray.exceptions.RayError, TimeoutError):
                    self._end(actor)
                    actor = self._new()
                    self._actors.add(actor)
        finally:
            self._idle.put_nowait(actor)
        error = SampleError(type=LOST, message="three workers died or fell silent over this sample")
        return failed(item, system, error, video_id, duration, time.monotonic() - began)

    async def close(self) -> None:
        """Let the workers leave the database, and end them."""
        leaving = [actor.close.remote() for actor in self._actors]
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.gather(*leaving, return_exceptions=True)
        for actor in list(self._actors):
            self._end(actor)

    def _end(self, actor: Any) -> None:
        self._ray.kill(actor)
        self._actors.discard(actor)


def _check_worker(ready: WorkerReady, models: Mapping[str, str]) -> None:
    if ready.problem:
        raise VideosealError(f"on {ready.node}: {ready.problem}", hint=ready.hint)
    for role, name in models.items():
        if ready.models.get(role) != name:
            raise VideosealError(
                f"the Ray worker on {ready.node} has another {role}: {ready.models.get(role)},"
                f" not {name}",
                hint="install the same version and extras on every node",
            )


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    with MissingDependency.of("ray", "Ray is not installed"):
        import ray
    return ray


def _connect(ray: Any, address: str, secrets: Mapping[str, str]) -> None:
    if address.startswith("ray://"):
        raise SettingsError(
            "a Ray client address cannot be used",
            hint="run this on a node of the cluster and give HOST:6379 or auto",
        )
    options: dict[str, Any] = {"address": address}
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdecimal():  # Ray itself would wait for a quarter of an hour
            socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
    except OSError as error:
        raise _no_ray(address, error) from error
    if address == LOCAL:
        options |= {"include_dashboard": False, "object_store_memory": _OBJECTS_BYTES}
    try:
        with _in_environment(secrets):
            ray.init(logging_level=logging.ERROR, log_to_driver=False, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _no_ray(address, error) from error


def _no_ray(address: str, error: Exception) -> VideosealError:
    return VideosealError(
        f"no Ray answers at {address}: {error}", hint="`ray start --head` starts one"
    )


@contextmanager
def _in_environment(secrets: Mapping[str, str]) -> Iterator[None]:
    """A Ray that starts now hands these to its workers; they are in no argument and no log."""
    before = {name: os.environ.get(name) for name in secrets}
    os.environ.update(secrets)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _check_database(ray: Any, settings: Settings) -> None:
    """Refuse a cluster whose other machines cannot reach the embedded database."""
    if settings.database_url is not None:
        return
    here = ray.get_runtime_context().get_node_id()
    others = {
        node["NodeManagerHostname"]
        for node in ray.nodes()
        if node["Alive"] and node["NodeID"] != here and node["Resources"].get("CPU")
    }
    if others:
        raise SettingsError(
            f"{', '.join(sorted(others))} cannot reach the embedded database of this machine",
            hint="set DATABASE_URL to a Postgres that every node of the cluster reaches",
        )
