"""Have frames looked at; the only writer of the evidence ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from langgraph.runtime import Runtime
from langgraph.types import Command

from videoseal.core.errors import SpanError, VideosealError
from videoseal.core.span import Span
from videoseal.graph.context import Context
from videoseal.graph.events import Inspected
from videoseal.graph.ledger import Evidence, ShownFrame, settle
from videoseal.graph.planner_messages import inspection_payload
from videoseal.graph.session import OutOfBudget, Session, failure_of, open_session, task_and_call
from videoseal.graph.state import Call, State, Task
from videoseal.models.types import Frame, InspectRequest
from videoseal.tools.frame_cache import frame_ref
from videoseal.tools.schemas import MAX_SPANS
from videoseal.tools.visual_inspect import show_frames

__all__ = ["visual_inspect"]

_MAX_FOCUS: Final = 8
"""Entries of the planner's look-for list that reach the inspector."""
_MAX_FOCUS_TEXT: Final = 80
_MAX_NOTES: Final = 2000


async def visual_inspect(
    state: State, runtime: Runtime[Context]
) -> Command[Literal["answer", "plan"]]:
    """Have frames looked at; the only writer of the evidence ledger."""
    session = await open_session(state, runtime)
    task, call = task_and_call(state)
    mode = session.context.mode
    try:
        spans = _spans(session, task, call)
        frames = await _frames(session, task, spans.usable)
        entry = await _look(session, task, call, spans.usable, frames, len(state.evidence) + 1)
    except (VideosealError, OutOfBudget) as error:
        return _without(session, state, call, error)
    session.emit(Inspected(step=session.spent.steps, evidence=entry))
    if mode == "direct":
        update = {"evidence": [entry], "spent": session.spent, "call": None}
        return Command(update=update, goto="answer")
    payload = inspection_payload(entry, spans.rejected, with_answer=mode == "coupled")
    update = {**session.result(call, payload), "evidence": [entry]}
    settled = entry.sufficient and mode == "decoupled"
    return Command(update=update, goto="answer" if settled else "plan")


def _without(
    session: Session, state: State, call: Call, error: VideosealError | OutOfBudget
) -> Command[Literal["answer", "plan"]]:
    """The planner reads why there is no inspection; in `direct` there is none, and it is over."""
    if session.context.mode != "direct":
        if isinstance(error, SpanError):
            return Command(update=session.refused(call, "SpanError", str(error)), goto="plan")
        return Command(update=session.failed(call, error, state.trouble), goto="plan")
    update: dict[str, Any] = {"spent": session.spent}
    if isinstance(error, OutOfBudget):
        update["cause"] = error.cause
    else:
        update["error"] = failure_of(error)
    return Command(update=update, goto="answer")


def _spans(session: Session, task: Task, call: Call) -> _ReadSpans:
    if session.context.mode == "direct":
        return _ReadSpans([Span(0.0, task.duration)], [])
    return _read_spans(call.args["spans"], task.duration, session.budget.frames_now)


async def _frames(session: Session, task: Task, spans: list[Span]) -> list[Frame]:
    """Frames of the spans, never more than the budget allows; raises VideoError, StoreError."""
    wanted = session.budget.frames_now
    store, settings, cache = (
        session.resources.store,
        session.resources.settings,
        session.resources.cache,
    )

    def decode() -> list[Frame]:
        video = store.video(task.video_id)
        fps = session.context.inspect_fps
        return show_frames(video, spans, max_frames=wanted, fps=fps, settings=settings, cache=cache)

    frames = await session.work("show_frames", lambda: asyncio.to_thread(decode))
    if not frames:
        raise SpanError("these spans hold no frames")
    return frames[:wanted]


async def _look(
    session: Session, task: Task, call: Call, spans: list[Span], frames: list[Frame], number: int
) -> Evidence:
    """The ledger's next entry: the verdict on these frames, checked against them."""
    forced = session.context.mode == "direct"
    request = InspectRequest(
        question=task.question,
        spans=spans,
        frames=frames,
        duration=task.duration,
        focus=_focus(session, call),
        notes=_notes(session, call),
        forced=forced,
    )
    inspector = session.resources.models.inspector
    session.spent = session.spent.shown(len(frames))
    verdict = await session.ask("inspector", lambda: inspector.inspect(request))
    times = [frame.time for frame in frames]
    settled, downgraded = settle(verdict, task.question, times, forced=forced)
    settings = session.resources.settings
    return Evidence(
        id=f"e{number}",
        spans=[(span.start, span.end) for span in spans],
        frames=[
            ShownFrame(time=f.time, sha256=f.sha256, ref=frame_ref(f.time, settings))
            for f in frames
        ],
        **settled.model_dump(),
        downgraded=downgraded,
        forced=forced,
        inspector=inspector.name,
    )


def _focus(session: Session, call: Call) -> list[str]:
    if session.context.inspector_context == "question":
        return []
    wanted = [" ".join(item.split())[:_MAX_FOCUS_TEXT] for item in call.args.get("look_for", [])]
    return [item for item in wanted if item][:_MAX_FOCUS]


def _notes(session: Session, call: Call) -> str:
    if session.context.inspector_context != "notes":
        return ""
    return str(call.args.get("context", ""))[:_MAX_NOTES]


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
