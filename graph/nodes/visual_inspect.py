"""Have frames looked at; the only writer of the evidence ledger."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from langchain_core.runnables.config import var_child_runnable_config
from langgraph.types import interrupt
from langsmith import tracing_context

from videoseal.core.errors import SpanError
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.graph.events import Inspected
from videoseal.graph.ledger import Evidence, ShownFrame, sealed, settle
from videoseal.graph.meter import Meter
from videoseal.graph.nodes.tool import ToolResult
from videoseal.graph.planner_messages import inspection_payload
from videoseal.graph.state import Job
from videoseal.models.types import Frame, InspectRequest, Reply, SpokenLine, Verdict
from videoseal.tools.frame_cache import frame_ref
from videoseal.tools.schemas import MAX_SPANS
from videoseal.tools.spoken_lines import spoken_lines
from videoseal.tools.visual_inspect import show_frames

__all__ = ["visual_inspect"]

_MAX_FOCUS: Final = 8
"""Entries of the planner's look-for list that reach the inspector."""
_MAX_FOCUS_TEXT: Final = 80
_MAX_NOTES: Final = 2000


async def visual_inspect(meter: Meter, job: Job) -> ToolResult:
    """Have frames looked at and write what was seen into the ledger; raises SpanError."""
    wanted = _approved(meter, job) if meter.context.approve_looks else job.args.get("spans")
    if wanted is None:
        spans = _ReadSpans([Span(0.0, job.task.duration)], [])
    else:
        spans = _read_spans(wanted, job.task.duration, job.frames)
    frames, settings = await _frames(meter, job, spans.usable)
    entry = await _look(meter, job, spans.usable, frames, settings)
    plain = sealed(entry, await meter.resources.seal_key(), job.task.about)
    meter.emit(Inspected(step=meter.step, evidence=Evidence.model_validate(plain)))
    coupled = meter.context.mode == "coupled"
    return ToolResult(inspection_payload(entry, spans.rejected, with_answer=coupled), plain)


def _approved(meter: Meter, job: Job) -> list[str]:
    """The spans as a person lets them pass: as they are, changed, or not at all (SpanError)."""
    asked = {
        "ask": "approve_look",
        "spans": job.args.get("spans", []),
        "look_for": job.args.get("look_for", []),
        "frames_at_most": job.frames,
    }
    said = interrupt(asked)
    if isinstance(said, dict) and isinstance(said.get("spans"), list):
        return [str(span) for span in said["spans"]]
    if said is False or (isinstance(said, dict) and said.get("approve") is False):
        raise SpanError("a person did not want this look; look elsewhere")
    return list(asked["spans"])


async def _frames(meter: Meter, job: Job, spans: list[Span]) -> tuple[list[Frame], Settings]:
    """Frames of the spans, never more than the budget or the inspector's model allows.

    And the settings that they are shown by. Raises VideoError, StoreError.
    """
    held, stop = meter.resources, threading.Event()
    video = await asyncio.to_thread(held.store.video, job.task.video_id)
    most, settings = job.frames, held.settings
    if plan := getattr(held.models.inspector, "look", None):
        most, side = plan(most, (video.width, video.height))
        settings = settings.model_copy(update={"frame_side": side})

    def decode() -> list[Frame]:
        return show_frames(
            video,
            spans,
            max_frames=most,
            fps=meter.context.inspect_fps,
            settings=settings,
            cache=held.cache,
            stop=stop,
        )

    try:
        frames = await meter.work("show_frames", lambda: asyncio.to_thread(decode))
    finally:
        # A thread cannot be cancelled; it looks at this before each frame.
        stop.set()
    if not frames:
        raise SpanError("these spans hold no frames")
    return frames[:most], settings


async def _lines(meter: Meter, job: Job, spans: list[Span]) -> list[SpokenLine]:
    """What is said in the spans, where an answer may rest on it."""
    if meter.context.evidence == "seen":
        return []
    store = meter.resources.store
    return await asyncio.to_thread(spoken_lines, store, job.task.video_id, spans)


async def _look(
    meter: Meter, job: Job, spans: list[Span], frames: list[Frame], settings: Settings
) -> Evidence:
    """The ledger's next entry: the verdict on these frames and lines, checked against them."""
    task, held = job.task, meter.resources
    forced = task.context.mode == "direct"
    lines = await _lines(meter, job, spans)
    request = InspectRequest(
        question=task.question,
        spans=spans,
        frames=frames,
        duration=task.duration,
        lines=lines,
        focus=_focus(meter, job),
        notes=_notes(meter, job),
        forced=forced,
    )
    inspector = held.models.inspector
    meter.add(frames=len(frames))

    async def inspect() -> Reply[Verdict]:
        with _untraced():
            return await inspector.inspect(request)

    verdict = await meter.ask("inspector", inspect)
    if verdict.shown is not None:
        # A server may take fewer pictures than were offered: only those are evidence.
        frames = [frame for frame in frames if frame.time in verdict.shown]
    times = [frame.time for frame in frames]
    settled, downgraded = settle(verdict, task.question, times, lines, forced=forced)
    return Evidence(
        id=f"e{job.number}",
        spans=[(span.start, span.end) for span in spans],
        frames=[
            ShownFrame(time=f.time, sha256=f.sha256, ref=frame_ref(f.time, settings))
            for f in frames
        ],
        lines=lines,
        **settled.model_dump(),
        downgraded=downgraded,
        forced=forced,
        inspector=inspector.name,
    )


def _focus(meter: Meter, job: Job) -> list[str]:
    if meter.context.inspector_context == "question":
        return []
    wanted = [" ".join(item.split())[:_MAX_FOCUS_TEXT] for item in job.args.get("look_for", [])]
    return [item for item in wanted if item][:_MAX_FOCUS]


def _notes(meter: Meter, job: Job) -> str:
    if meter.context.inspector_context != "notes":
        return ""
    return str(job.args.get("context", ""))[:_MAX_NOTES]


@contextmanager
def _untraced() -> Iterator[None]:
    """Model calls made inside reach no stream and no trace: they carry megabytes of pictures."""
    token = var_child_runnable_config.set(None)
    try:
        with tracing_context(enabled=False):
            yield
    finally:
        var_child_runnable_config.reset(token)


class _ReadSpans(NamedTuple):
    """Spans inside the video, and for each of the others what was written and why it is wrong."""

    usable: list[Span]
    rejected: list[dict[str, str]]


def _read_spans(texts: Sequence[str], duration: float, frames: int) -> _ReadSpans:
    """Read spans and cut them to the video of `duration` seconds; repeats count once.

    Every span needs one of the `frames` that may be shown; those beyond are rejected. Raises
    SpanError when there are more than MAX_SPANS, or when none can be used.
    """
    if len(texts) > MAX_SPANS:
        raise SpanError(f"{len(texts)} spans are too many; inspect at most {MAX_SPANS} at once")
    usable: list[Span] = []
    rejected: list[dict[str, str]] = []
    for text in texts:
        try:
            span = Span.parse(text).within(duration)
        except SpanError as error:
            rejected.append({"span": text[:60], "error": str(error)})
            continue
        if span in usable:
            continue
        if len(usable) == frames:
            rejected.append({"span": text[:60], "error": "no frames are left for this span"})
            continue
        usable.append(span)
    if not usable:
        raise SpanError("; ".join(item["error"] for item in rejected)[:400])
    return _ReadSpans(usable, rejected)
