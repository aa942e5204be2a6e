"""Episodes as they would be recorded, from what they looked at; tools choose the frames."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.evals.made import item
from videoseal.core.span import Span
from videoseal.evals.item import Item
from videoseal.evals.records import SampleRecord
from videoseal.graph.answers import Answer, Citation, abstain
from videoseal.graph.ledger import Evidence, ShownFrame
from videoseal.models.types import Observation
from videoseal.tools.visual_inspect import choose_times

__all__ = ["GOLD", "LENGTH", "inspection", "played", "search_step"]

LENGTH = 600.0
"""Seconds of the video."""
GOLD = (100.0, 106.0)


def played(
    *inspections: Sequence[tuple[float, float]],
    cites: Sequence[int] | None = None,
    choice: str | None = "B",
    forced: bool = False,
    steps: list[dict[str, Any]] | None = None,
    asked: Item | None = None,
    length: float = LENGTH,
    fps: float = 2.0,
    cause: str = "gave_up",
) -> SampleRecord:
    """An episode that inspected those spans, one list a call, and answered B, which is right.

    It cites all its inspections, or those numbered in `cites`; without `choice` it abstains.
    """
    ledger = [
        inspection(number, spans, length, fps) for number, spans in enumerate(inspections, start=1)
    ]
    cited = ledger if cites is None else [ledger[number] for number in cites]
    answer = _answer(choice, cited, forced) if choice else abstain(cause, "nothing")  # type: ignore[arg-type]
    looks = [_step(n + 1, "visual_inspect", {"evidence": e.id}) for n, e in enumerate(ledger)]
    episode = {
        "answer": answer.model_dump(mode="json"),
        "evidence": [entry.model_dump(mode="json") for entry in ledger],
        "steps": looks if steps is None else steps,
        "usage": {},
    }
    return SampleRecord(
        item=asked or item(evidence=[GOLD]),
        mode="decoupled",
        video_id="v0123456789abcdef",
        duration=length,
        episode=episode,
        finished=datetime(2026, 1, 1, tzinfo=UTC),
    )


def inspection(
    number: int, spans: Sequence[tuple[float, float]], length: float = LENGTH, fps: float = 2.0
) -> Evidence:
    """What the tool shows of spans, at most 64 frames, each of which says something."""
    times = choose_times([Span(*pair) for pair in spans], 64, fps, length)
    return Evidence(
        id=f"e{number}",
        spans=list(spans),
        frames=[ShownFrame(time=t, sha256="0" * 64, ref=f"f{t:g}") for t in times],
        sufficient=True,
        answer="b",
        choice="B",
        observations=[Observation(time=t, text="a sign") for t in times],
    )


def search_step(number: int, query: str, said: str = "") -> dict[str, Any]:
    """A turn that searched."""
    return {**_step(number, "visual_retrieve", {"hits": []}), "args": {"query": query},
            "said": said}  # fmt: skip


def _step(number: int, tool: str, result: dict[str, Any]) -> dict[str, Any]:
    return {"number": number, "said": "", "tool": tool, "args": {}, "result": result}


def _answer(choice: str, cited: Sequence[Evidence], forced: bool) -> Answer:
    return Answer(
        outcome="answered",
        forced=forced,
        text="b",
        choice=choice,
        citations=[
            Citation(evidence=e.id, spans=e.spans, frames=e.supporting(), seen=["a sign"])
            for e in cited
        ],
        by="inspector" if cited else "planner",
    )
