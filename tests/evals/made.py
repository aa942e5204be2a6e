"""Made-up items, episodes and records for tests of scores."""

from __future__ import annotations

from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from videoseal.evals.item import Item
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.evals.scoring.systems import System, score_frame, split
from videoseal.graph.answers import Answer, Citation, abstain
from videoseal.graph.ledger import Evidence, ShownFrame
from videoseal.models.types import (
    JudgeRequest,
    Match,
    MatchRequest,
    Observation,
    Question,
    Reply,
    Ruling,
    Usage,
)

__all__ = ["FakeJudge", "evidence", "item", "proven", "record", "renumbered", "scored"]


class FakeJudge:
    """Says yes, or raises its fault; a `strict` one says yes to half of the requests."""

    def __init__(
        self,
        name: str = "j",
        fault: Exception | None = None,
        prompt: str = "p",
        *,
        strict: bool = False,
    ) -> None:
        self.name = name
        self.prompt = prompt
        self.settings = MappingProxyType({"model": name})
        self.fault = fault
        self.strict = strict
        self.asked: list[JudgeRequest] = []
        self.matched: list[MatchRequest] = []

    async def judge(self, request: JudgeRequest) -> Reply[Ruling]:
        """Rule by the hash of the request."""
        self.asked.append(request)
        if self.fault:
            raise self.fault
        grounded = not self.strict or int(request.sha256[0], 16) < 8
        return Reply(Ruling(grounded=grounded, why="line 1"), Usage(1, 11, 7, 0, 0.5))

    async def match(self, request: MatchRequest) -> Reply[Match]:
        """The same where the words of the reference are in the answer."""
        self.matched.append(request)
        if self.fault:
            raise self.fault
        same = request.reference.casefold() in request.answer.casefold()
        return Reply(Match(same=same, why="words"), Usage(1, 5, 3, 0, 0.25))


def item(uid: str = "q1", answer: str = "B", **changes: Any) -> Item:
    """A four-option question with one gold span, 100 to 103 s."""
    values: dict[str, Any] = {
        "benchmark": "synthetic",
        "uid": uid,
        "video": "v1",
        "question": Question(text="What is on the sign?", options=["a", "b", "c", "d"]),
        "answer": answer,
        "categories": ["key information retrieval"],
        "evidence": [(100.0, 103.0)],
    }
    return Item(**{**values, **changes})


def evidence(number: int = 1, times: tuple[float, ...] = (101.0,)) -> Evidence:
    """An inspection of 98 to 106 s that saw something in every frame shown."""
    frames = [ShownFrame(time=time, sha256="0" * 64, ref=f"f{time:g}") for time in times]
    return Evidence(
        id=f"e{number}",
        spans=[(98.0, 106.0)],
        frames=frames,
        sufficient=True,
        answer="b",
        choice="B",
        observations=[Observation(time=time, text="a sign") for time in times],
    )


def proven(choice: str = "B", ledger: list[Evidence] | None = None, **changes: Any) -> Answer:
    """An answer that cites every entry of the ledger."""
    entries = [evidence()] if ledger is None else ledger
    return Answer(
        outcome="answered",
        text=choice.lower(),
        choice=choice,
        citations=[
            Citation(evidence=e.id, spans=e.spans, frames=e.supporting(), seen=["a sign"])
            for e in entries
        ],
        by="inspector",
        confidence=0.9,
        **changes,
    )


def record(
    asked: Item | None = None,
    answer: Answer | None = None,
    ledger: list[Evidence] | None = None,
    *,
    error: SampleError | None = None,
    mode: str = "decoupled",
) -> SampleRecord:
    """A record of that answer; abstained when there is none."""
    entries = [evidence()] if ledger is None else ledger
    given = answer or abstain("gave_up", "nothing found")
    episode = {
        "answer": given.model_dump(mode="json"),
        "evidence": [entry.model_dump(mode="json") for entry in entries],
        "usage": {"total": {"calls": 3, "prompt_tokens": 10, "completion_tokens": 5, "frames": 1}},
    }
    return SampleRecord(
        item=asked or item(),
        mode=mode,
        duration=600.0,
        episode=None if error else episode,
        error=error,
        seconds=1.5,
        finished=datetime(2026, 1, 1, tzinfo=UTC),
    )


def scored(*records: SampleRecord) -> System:
    """The one system of these records."""
    (system,) = split(score_frame(map(outcome_of, records)), "r", Path("r"))
    return system


def renumbered(system: System, **changes: Any) -> System:
    """The same with other numbers than those of its samples."""
    other = copy(system)
    vars(other).update(changes)
    return other
