"""One sample: a question put to the agent under a time limit, and its record."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from pydantic import ValidationError

from videoseal.core.errors import SettingsError, first_fault
from videoseal.evals.item import Item
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.evals.running.padding import PaddedContext, padded
from videoseal.graph.ask import ask
from videoseal.graph.resources import Resources

__all__ = ["Sampler", "context_of", "failed", "run_sample"]

Sampler = Callable[[Item, SystemSpec, str, float], Awaitable[SampleRecord]]
"""Asks one question of a system about a video (its id in the index, its seconds)."""

_GRACE_S = 30.0
"""How much longer than its own limit a question may hang before it is cut off."""


def context_of(system: SystemSpec) -> PaddedContext:
    """The graph's context for a system; SettingsError names a field that is wrong."""
    try:
        return PaddedContext.model_validate({**system.context, "mode": system.mode})
    except ValidationError as error:
        raise SettingsError(first_fault(error)) from None


async def run_sample(
    resources: Resources, item: Item, system: SystemSpec, video_id: str, duration: float
) -> SampleRecord:
    """Ask one question and record whatever comes of it; never raises for a failed sample.

    The agent keeps to its own `max_seconds`; a question that hangs past it is cut off.
    """
    context = context_of(system)
    began = time.monotonic()
    episode = None
    try:
        async with asyncio.timeout(context.max_seconds + _GRACE_S):
            chosen = padded(resources, item.question, context)
            episode = await ask(chosen, item.question, video_id, context)
        trouble = episode.error
        error = SampleError(type=trouble.type, message=trouble.message) if trouble else None
    except TimeoutError:
        error = SampleError(type="TimeoutError", message=f"no end after {context.max_seconds:g} s")
    except Exception as caught:  # the task boundary: a bug in one sample must not lose the run
        error = SampleError(
            type=type(caught).__name__, message=str(caught), traceback=traceback.format_exc()
        )
    record = failed(item, system, error, video_id, duration, time.monotonic() - began)
    said = episode.model_dump(mode="json") if episode else None
    return record.model_copy(update={"episode": said})


def failed(
    item: Item,
    system: SystemSpec,
    error: SampleError | None,
    video_id: str = "",
    duration: float = 0.0,
    seconds: float = 0.0,
) -> SampleRecord:
    """The record of a sample that has no episode."""
    return SampleRecord(
        item=item,
        mode=system.mode,
        variant=system.variant,
        video_id=video_id,
        duration=duration,
        error=error,
        seconds=seconds,
        finished=datetime.now(UTC),
    )
