"""A run on Ray: every node asks questions, this process alone keeps the records.

A sample is given to an actor that holds the agent. A worker that dies takes its samples along;
they are given to another, and since a record is only made of the reply that arrives here, every
sample is recorded once. Models are endpoints that all workers share.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
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


@dataclass(slots=True)
class _Worker:
    actor: Any
    busy: int = 0
    """Samples that it was given and has not returned."""


class _Pool:
    """Actors on the nodes, and which has how much to do."""

    def __init__(self, ray: Any, told: Sent, opening: OpenAgent, concurrency: int) -> None:
        self._ray = ray
        self._given = (told, opening)
        self._concurrency = concurrency
        self._workers: list[_Worker] = []
        self._alone = asyncio.Lock()

    async def start(self, models: Mapping[str, str]) -> None:
        """Start a worker for every processor, at most one for every sample in flight.

        Goes on with those that come up in time. Raises VideosealError where none does, and where
        one cannot work or has other models than this process.
        """
        processors = int(self._ray.cluster_resources().get("CPU", 1))
        count = max(1, min(self._concurrency, processors))
        asked = [self._said_ready(_Worker(self._actor())) for _ in range(count)]
        for reply in asyncio.as_completed(asked):
            with suppress(TimeoutError):
                _check_worker(await reply, models)
        if not self._workers:
            raise VideosealError(
                f"no Ray worker started within {_START_S:.0f} s", hint="see `ray status`"
            )

    async def sample(
        self, item: Item, system: SystemSpec, video_id: str, duration: float
    ) -> SampleRecord:
        """Have one question asked, and asked again by another when its worker dies.

        The third time it has a worker of its own, so that a sample that kills workers takes no
        other along for good.
        """
        began = time.monotonic()
        asked = (item, system, video_id, duration)
        for _ in range(2):
            worker = min(self._workers, key=lambda one: one.busy)
            if (record := await self._asked(worker, asked)) is not None:
                return record
        async with self._alone:
            worker = _Worker(self._actor(num_cpus=0))
            record = await self._asked(worker, asked)
            self._ray.kill(worker.actor)
        if record is not None:
            return record
        error = SampleError(type=LOST, message="three workers died or fell silent over this sample")
        return failed(item, system, error, video_id, duration, time.monotonic() - began)

    async def close(self) -> None:
        """Let the workers leave the database, and end them."""
        leaving = [worker.actor.close.remote() for worker in self._workers]
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.gather(*leaving, return_exceptions=True)
        for worker in self._workers:
            self._ray.kill(worker.actor)
        self._workers.clear()

    async def _asked(
        self, worker: _Worker, asked: tuple[Item, SystemSpec, str, float]
    ) -> SampleRecord | None:
        """The record; None when the worker was lost over it, which is then replaced."""
        actor = worker.actor
        worker.busy += 1
        try:
            async with asyncio.timeout(context_of(asked[1]).max_seconds + _LOST_AFTER_S):
                return SampleRecord.model_validate_json(await actor.sample.remote(*asked))
        except (self._ray.exceptions.RayError, TimeoutError):
            if worker.actor is actor:  # the first to notice
                self._ray.kill(actor)
                worker.actor = self._actor()
            return None
        finally:
            worker.busy -= 1

    async def _said_ready(self, worker: _Worker) -> WorkerReady:
        try:
            async with asyncio.timeout(_START_S):
                ready: WorkerReady = await worker.actor.ready.remote()
        except BaseException:
            self._ray.kill(worker.actor)
            raise
        self._workers.append(worker)
        return ready

    def _actor(self, num_cpus: float = 1) -> Any:
        options = {
            "num_cpus": num_cpus, "max_concurrency": max(2, self._concurrency),
            "scheduling_strategy": "SPREAD",
        }  # fmt: skip
        return self._ray.remote(RayWorker).options(**options).remote(*self._given)


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
    try:
        import ray
    except ImportError as error:
        raise MissingDependency(
            "Ray is not installed", hint="pip install 'videoseal-agent[ray]'"
        ) from error
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
