"""Read the outline of the video for the planner."""

from __future__ import annotations

import asyncio

from videoseal.graph.events import Overviewed
from videoseal.graph.meter import Meter
from videoseal.graph.nodes.tool import ToolResult
from videoseal.graph.planner_messages import outline_payload
from videoseal.graph.state import Job
from videoseal.tools.overview import overview as read_outline

__all__ = ["overview"]


async def overview(meter: Meter, job: Job) -> ToolResult:
    """Read the outline of the video for the planner."""
    store, task = meter.resources.store, job.task
    outline = await meter.work(
        "overview", lambda: asyncio.to_thread(read_outline, store, task.video_id)
    )
    payload = outline_payload(outline, task.duration)
    meter.emit(Overviewed(step=meter.step, lines=len(payload["lines"])))
    return ToolResult(payload)
