"""Made-up runs that look like real ones: several systems, many videos, right and lucky answers."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from videoseal.core.span import Span
from videoseal.evals.item import Item
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.graph.answers import Answer, Author, Citation, abstain
from videoseal.graph.ledger import Evidence, ShownFrame
from videoseal.models.types import Observation, Question

__all__ = ["DECOUPLED", "SYSTEMS", "System", "make_frames", "make_items", "make_run"]

KINDS = ("key information retrieval", "event understanding", "entity recognition", "reasoning",
         "temporal grounding")  # fmt: skip
STEMS = (
    "What does the sign behind the speaker say when the lights go out?",
    "Which colour is the umbrella that is left on the bench?",
    "How many people board the red bus at the second stop?",
    "Where does the cook put the knife after cutting the lemons?",
    "At what time on the station clock does the train leave?",
    "\u5b57\u5e55\u51fa\u73b0\u201c\u51fa\u53e3\u201d\u4e4b\u540e\u8c01\u8d70\u8fdb\u623f\u95f4\uff1f",
)
AUTHORS: dict[str, Author] = {"decoupled": "inspector", "coupled": "planner"}
OPTIONS = ("EXIT", "NO ENTRY", "Platform 9", "a blue umbrella")


class System(NamedTuple):
    """How a made-up system behaves."""

    mode: str
    variant: str = ""
    sees: float = 0.7
    """How often it looks at the gold span."""
    guesses: float = 0.3
    """How often it is right without having seen it."""
    abstains: float = 0.7
    """How often it says so when it has seen nothing."""
    steps: int = 6
    frames: int = 12
    """In one inspection."""


DECOUPLED = System("decoupled")
SYSTEMS = (
    DECOUPLED,
    System("coupled", sees=0.5, guesses=0.55, abstains=0.0, steps=5),
    System("direct", sees=0.25, guesses=0.4, abstains=0.0, steps=0, frames=64),
    System("blind", sees=0.0, guesses=0.33, abstains=0.0, steps=0, frames=0),
)


def make_items(count: int, videos: int, seed: int = 1) -> list[Item]:
    """Questions with one or two gold spans each; one in ten cannot be answered."""
    rng = random.Random(seed)
    items = []
    for number in range(count):
        length = 600.0 * (1 + number % videos % 6)
        starts = sorted(rng.uniform(20, length - 20) for _ in range(1 + number % 7 // 6))
        answerable = number % 11 != 10
        items.append(
            Item(
                benchmark="synthetic",
                uid=f"q{number:04d}",
                video=f"film-{number % videos:02d}",
                question=Question(text=rng.choice(STEMS), options=list(OPTIONS)),
                answer=rng.choice("ABCD") if answerable else "",
                categories=[KINDS[number % len(KINDS)]],
                group=("short", "medium", "long")[number % videos % 3],
                evidence=[(s, s + rng.uniform(1.5, 9)) for s in starts] if answerable else [],
                answerable=answerable,
            )
        )
    return items


def make_run(
    folder: Path, systems: Sequence[System], items: Sequence[Item], *, seed: int = 1
) -> Path:
    """Write the records of every system for every item, and a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    with (folder / "samples.jsonl").open("w", encoding="utf-8") as file:
        for item in items:
            for system in systems:
                file.write(_record(item, system, rng).model_dump_json() + "\n")
    (folder / "manifest.json").write_text(json.dumps(_manifest(systems)), encoding="utf-8")
    return folder


def make_frames(root: Path, run: Path) -> Path:
    """A frame cache that holds a picture for every frame shown in a run."""
    from PIL import Image, ImageDraw

    for line in (run / "samples.jsonl").read_text("utf-8").splitlines():
        record = SampleRecord.model_validate_json(line)
        for entry in (record.episode or {}).get("evidence", []):
            for frame in entry["frames"]:
                stamp, side, quality = frame["ref"].split("-")
                path = root / record.video_id / f"{side}-{quality}" / f"{stamp}.jpg"
                if path.exists():
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                shade = int(frame["time"] * 7) % 200
                picture = Image.new("RGB", (640, 360), (shade, 90, 200 - shade))
                pen = ImageDraw.Draw(picture)
                pen.rectangle((220, 120, 420, 230), fill=(245, 240, 220))
                pen.text((250, 150), f"{record.item.video}\n{frame['time']:.2f}", fill=(20, 20, 20))
                data = io.BytesIO()
                picture.save(data, "JPEG", quality=70)
                path.write_bytes(data.getvalue())
    return root


def _record(item: Item, system: System, rng: random.Random) -> SampleRecord:
    length = 600.0 * (1 + int(item.video[-2:]) % 6)
    fields: dict[str, Any] = {
        "item": item, "mode": system.mode, "variant": system.variant, "duration": length,
        "video_id": f"v{int(item.video[-2:]):016x}", "finished": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    if rng.random() < 0.02:
        kind = rng.choice(["ModelUnavailable", "MissingVideo"])
        error = SampleError(type=kind, message=f"{kind}: after 5 tries, 503 Service Unavailable")
        return SampleRecord(**fields, error=error, seconds=rng.uniform(1, 5))
    seen = bool(item.evidence) and rng.random() < system.sees
    ledger = list(_ledger(item, system, length, seen, rng)) if system.frames else []
    answer = _answer(item, system, ledger, seen, rng)
    steps = list(_steps(item, system, ledger, rng))
    tokens = 900 + 700 * len(steps) + 180 * sum(len(entry.frames) for entry in ledger)
    usage = {
        "calls": len(steps) + len(ledger) + 1, "prompt_tokens": tokens,
        "completion_tokens": 60 * (len(steps) + 1), "seconds": 2.0,
        "frames": sum(len(entry.frames) for entry in ledger),
    }  # fmt: skip
    episode = {
        "answer": answer.model_dump(mode="json"),
        "evidence": [entry.model_dump(mode="json") for entry in ledger],
        "steps": steps,
        "usage": {"planner": usage, "total": usage},
        "models": {"planner": "made-8b", "inspector": "made-vl-7b"},
    }
    return SampleRecord(**fields, episode=episode, seconds=rng.uniform(1, 30))


def _ledger(
    item: Item, system: System, length: float, seen: bool, rng: random.Random
) -> Iterator[Evidence]:
    looks = 1 if system.mode == "direct" else rng.randint(1, 3)
    for number in range(1, looks + 1):
        middle = rng.uniform(10, length - 10)
        if seen and number == looks:
            middle = sum(item.evidence[0]) / 2
        start, end = max(0.0, middle - 8), min(length, middle + 8)
        if system.mode == "direct":
            start, end = 0.0, length
        gap = (end - start) / system.frames
        times = [round(start + gap * (place + 0.5), 3) for place in range(system.frames)]
        frames = [
            ShownFrame(time=t, sha256="0" * 64, ref=f"{round(t * 1e6)}-640-80") for t in times
        ]
        noted = [t for t in times if seen and any(s <= t < e for s, e in item.evidence)] or times[
            :2
        ]
        yield Evidence(
            id=f"e{number}",
            spans=[(start, end)],
            frames=frames,
            sufficient=number == looks,
            reason=None if number == looks else "SPAN_MISMATCH",
            missing="" if number == looks else "the sign is not in view yet",
            observations=[Observation(time=t, text=f"a sign reads '{OPTIONS[0]}'") for t in noted],
            inspector="made-vl-7b",
        )


def _answer(
    item: Item, system: System, ledger: list[Evidence], seen: bool, rng: random.Random
) -> Answer:
    if not seen and rng.random() < system.abstains:
        return abstain("gave_up", "no inspected frame shows it")
    right = bool(item.answer) and (rng.random() < (0.93 if seen else system.guesses))
    wrong = [letter for letter in "ABCD" if letter != item.answer]
    choice = item.answer if right else rng.choice(wrong)
    cited = ledger[-1:] if system.mode in ("decoupled", "coupled") else []
    citations = [
        Citation(evidence=e.id, spans=e.spans, frames=e.supporting(), seen=["a sign"])
        for e in cited
    ]
    return Answer(
        outcome="answered",
        forced=system.mode in ("direct", "blind"),
        text=OPTIONS["ABCD".index(choice)],
        choice=choice,
        citations=citations,
        reason="the frame at the end of the span shows the sign",
        confidence=round(min(1.0, max(0.05, rng.gauss(0.75 if right else 0.5, 0.18))), 3),
        by=AUTHORS.get(system.mode, "answerer"),
    )


def _steps(
    item: Item, system: System, ledger: list[Evidence], rng: random.Random
) -> Iterator[dict[str, Any]]:
    if not system.steps:
        return
    for number, entry in enumerate(ledger):
        where = [str(Span(s, e)) for s, e in entry.spans]
        near = [max(0.0, entry.spans[0][0] + rng.uniform(-400, 400)) for _ in range(4)]
        hits = [
            {"id": 9, "span": str(Span(s, s + 16)), "kind": "ocr", "text": "EXIT", "score": 0.03}
            for s in near
        ]
        yield {
            "number": 2 * number + 1, "said": "I look for the sign first.",
            "tool": "visual_retrieve", "args": {"query": "sign lights out"},
            "result": {"hits": hits, "left": {"steps": 14, "frames": 256}},
            "model_seconds": 0.8, "tool_seconds": 0.1,
        }  # fmt: skip
        yield {
            "number": 2 * number + 2, "said": "", "tool": "visual_inspect",
            "args": {"spans": where},
            "result": {"evidence": entry.id, "inspected": where, "shown": len(entry.frames)},
            "model_seconds": 1.4, "tool_seconds": 0.6,
        }  # fmt: skip


def _manifest(systems: Sequence[System]) -> dict[str, Any]:
    return {
        "version": 1,
        "spec": {"benchmark": "synthetic", "seed": 0,
                 "cells": [{"mode": s.mode, "variant": s.variant} for s in systems]},
        "dataset_sha256": "ab" * 32,
        "models": {"planner": "made-8b", "inspector": "made-vl-7b", "embedder": "made-e5"},
        "settings": {"frame_side": 640, "jpeg_quality": 80},
        "git": "0123456789abcdef+",
        "python": "3.11.9",
        "packages": {"numpy": "2.2.0"},
        "created": "2026-01-01T00:00:00Z",
    }  # fmt: skip
