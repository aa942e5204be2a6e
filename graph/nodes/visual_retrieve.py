"""Search the index of the video for the planner."""

from __future__ import annotations

from videoseal.graph.events import Retrieved
from videoseal.graph.meter import Meter
from videoseal.graph.nodes.tool import ToolResult
from videoseal.graph.planner_messages import hits_payload
from videoseal.graph.state import Job
from videoseal.tools.visual_retrieve import visual_retrieve as search_index

__all__ = ["visual_retrieve"]


async def visual_retrieve(meter: Meter, job: Job) -> ToolResult:
    """Search the index of the video for the planner."""
    query = str(job.args["query"])
    store, embedder = meter.resources.store, meter.resources.models.embedder
    hits = await meter.ask(
        "embedder",
        lambda: search_index(store, embedder, job.task.video_id, query, limit=meter.context.top_k),
    )
    payload = hits_payload(hits)
    meter.emit(Retrieved(step=meter.step, query=query, hits=payload["hits"]))
    return ToolResult(payload)
