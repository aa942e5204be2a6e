"""What all tools have in common: a job comes in, the planner gets its reply, costs are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from langgraph.runtime import Runtime

from videoseal.core.errors import ModelAuthError, SpanError, ToolTimeout, VideosealError
from videoseal.graph.budget import OutOfBudget
from videoseal.graph.calls import reply
from videoseal.graph.context import ServedContext
from videoseal.graph.events import Refused
from videoseal.graph.meter import Meter
from videoseal.graph.planner_messages import error_payload
from videoseal.graph.resources import Provider
from videoseal.graph.state import Job, failure_of

__all__ = ["ToolResult", "Work", "tool_node"]

_MAX_FAILURES: Final = 3
"""Tool failures that are no fault of the planner before one ends the run."""


class ToolResult(NamedTuple):
    """What the planner reads, and the ledger's new entry where there is one."""

    payload: dict[str, Any]
    entry: dict[str, Any] | None = None


Work = Callable[[Meter, Job], Awaitable[ToolResult]]


def tool_node(resources: Provider, work: Work, seconds: float | None = None) -> Any:
    """The node that carries out one call, in at most so many seconds.

    What fails is told to the planner and counted with its cost. LangGraph's own error handler
    would see neither the cost nor the frames that were shown; what cannot heal, or failed three
    times, is raised, so that the run fails and may be resumed.
    """

    async def node(state: dict[str, Any], runtime: Runtime[ServedContext]) -> dict[str, Any]:
        job = Job.model_validate(state["job"])
        meter = Meter(await resources(), job.task, job.spent, runtime.stream_writer)
        update: dict[str, Any] = {}
        try:
            result = await _in_time(work, meter, job, seconds)
            payload = result.payload
            update["evidence"] = [result.entry] if result.entry else []
        except (VideosealError, OutOfBudget) as error:
            if isinstance(error, VideosealError) and _ends_the_run(error, job):
                raise
            if not isinstance(error, SpanError | OutOfBudget):
                update["failures"] = [failure_of(error).model_dump()]
            payload = _told(meter, error)
        cost = meter.cost()
        left = {**job.left, "frames": job.left["frames"] - cost["frames"]}
        if job.id:
            update["messages"] = [reply(job.id, payload, left)]  # type: ignore[arg-type]
        return {**update, "spent": cost}

    return node


def _ends_the_run(error: VideosealError, job: Job) -> bool:
    """Whether there is nobody who could do better next time."""
    if not job.id or isinstance(error, ModelAuthError):
        return True
    return not isinstance(error, SpanError) and job.failures + 1 >= _MAX_FAILURES


async def _in_time(work: Work, meter: Meter, job: Job, seconds: float | None) -> ToolResult:
    clock = asyncio.timeout(seconds)
    try:
        async with clock:
            return await work(meter, job)
    except TimeoutError:
        if clock.expired():
            raise ToolTimeout(f"{job.tool} gave no result in {seconds:g} s") from None
        raise


def _told(meter: Meter, error: Exception) -> dict[str, Any]:
    failure = failure_of(error)
    meter.emit(Refused(step=meter.step, error=failure.type, message=failure.message))
    return error_payload(failure.type, failure.message)
