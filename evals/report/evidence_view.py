"""One sample as a plain JSON document: all that the evidence view shows, and nothing else.

The view itself is `templates/evidence.html`, `.css` and `.js`; any page may hold it. Every string
here may come from a video or a model, so it is data to whoever shows it, never markup.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from videoseal.core.errors import SpanError
from videoseal.core.span import Span
from videoseal.evals.records import SampleRecord
from videoseal.evals.scoring.sample_result import SampleResult, outcome_of

__all__ = ["VERSION", "Pictures", "evidence_document"]

VERSION: Final = 1
"""Of the document's form."""
Pictures = Callable[[str, str], str | None]
"""From video id and frame name to what an image element may load; None for no picture."""

_LONG: Final = 4000
_SHORT: Final = 1200
_MOST_HITS: Final = 200
_ANSWER: Final = {"outcome": "", "text": "", "choice": None, "by": "", "cause": None, "reason": "",
                  "confidence": 0.0}  # fmt: skip
_INSPECTION: Final = {"id": "", "answer": "", "choice": None, "reason": None, "missing": "",
                      "downgraded": None, "inspector": ""}  # fmt: skip
"""Fields that are shown as they are recorded, and what stands for one that is not there."""

Json = dict[str, Any]


def evidence_document(
    record: SampleRecord,
    pictures: Pictures | None = None,
    *,
    most_pictures: int = 12,
    outcome: SampleResult | None = None,
) -> Json:
    """Everything the evidence view shows of a sample; times in seconds, long texts cut.

    At most `most_pictures` frames get a picture: cited ones first, then others spread evenly.
    `outcome` is what the record came to, where it is known already.
    """
    outcome, item = outcome or outcome_of(record), record.item
    episode = record.episode or {}
    return {
        "version": VERSION, "uid": item.uid, "benchmark": item.benchmark, "video": item.video,
        "video_id": record.video_id, "duration": record.duration, "mode": record.mode,
        "variant": record.variant, "categories": list(item.categories), "group": item.group,
        "defect": item.defect,
        "question": _cut(item.question.text, _LONG),
        "options": [
            {"letter": letter, "text": _cut(text, _SHORT), "gold": letter == item.answer,
             "chosen": letter == outcome.letter}
            for letter, text in zip(item.question.letters, item.question.options, strict=True)
        ],
        "gold": _cut(item.answer, _LONG),
        "answerable": item.answerable,
        "status": outcome.status,
        "right": outcome.right,
        "grounded": outcome.grounding and outcome.grounding.hit,
        "scores": _scores(outcome),
        "judges": dict(record.semantic),
        "answer": _answer(episode.get("answer"), proven=outcome.proven),
        "error": _error(record),
        "timeline": _timeline(record, outcome),
        "frames": _frames(record, outcome, pictures, most_pictures),
        "inspections": [_inspection(entry) for entry in episode.get("evidence", [])],
        "steps": [_step(step) for step in episode.get("steps", [])],
        "cost": outcome.cost,
        "models": dict(episode.get("models", {})),
    }  # fmt: skip


def _scores(outcome: SampleResult) -> Json | None:
    found, luck = outcome.grounding, outcome.chance
    if found is None or luck is None:
        return None
    return {
        "best_iou": found.best_iou, "hit": found.hit, "cited_hit": found.cited_hit,
        "coverage": found.coverage, "iou": found.iou, "chance_hit": luck.hit,
    }  # fmt: skip


def _answer(answer: Json | None, *, proven: bool) -> Json | None:
    if answer is None:
        return None
    citations = [
        {
            "evidence": citation.get("evidence", ""),
            "spans": citation["spans"],
            "frames": [frame["time"] for frame in citation["frames"]],
            "seen": [_cut(text, _SHORT) for text in citation.get("seen", [])[:20]],
        }
        for citation in answer.get("citations", [])
    ]
    told = {"forced": bool(answer.get("forced")), "proven": proven, "citations": citations}
    return {**_some(answer, _ANSWER, _LONG), **told}


def _some(part: Json, wanted: Json, most: int) -> Json:
    """The wanted fields, long texts cut; those that a record lacks as they are wanted."""
    found = {name: part.get(name, other) for name, other in wanted.items()}
    return {n: _cut(value, most) if isinstance(value, str) else value for n, value in found.items()}


def _error(record: SampleRecord) -> Json | None:
    if record.error is None:
        return None
    return {
        "type": record.error.type,
        "message": _cut(record.error.message, _LONG),
        "traceback": _cut(record.error.traceback, _LONG, keep_end=True),
    }


def _timeline(record: SampleRecord, outcome: SampleResult) -> Json:
    episode = record.episode or {}
    inspected = [
        [start, end, entry.get("id", "")]
        for entry in episode.get("evidence", [])
        for start, end in entry["spans"]
    ]
    gold = [list(pair) for pair in record.item.evidence]
    retrieved = list(islice(_retrieved(episode.get("steps", [])), _MOST_HITS))
    ends = [span[1] for spans in (gold, inspected, retrieved) for span in spans]
    return {
        "duration": record.duration or max(ends, default=0.0),
        "gold": gold,
        "retrieved": retrieved,
        "inspected": inspected,
        "cited": [[span.start, span.end] for span in outcome.looked.cited],
    }


def _retrieved(steps: Sequence[Json]) -> Iterator[list[Any]]:
    """Spans that searches found, with the number of the step."""
    for step in steps:
        result = step.get("result")
        hits = result.get("hits") if isinstance(result, dict) else None
        for hit in hits if isinstance(hits, list) else []:
            try:
                span = Span.parse(hit["span"])
            except (SpanError, TypeError, KeyError):
                continue
            yield [span.start, span.end, step.get("number", 0)]


def _frames(
    record: SampleRecord, outcome: SampleResult, pictures: Pictures | None, most: int
) -> list[Json]:
    """Every frame shown, in the order of inspections; pictures only for the chosen ones."""
    cited = set(outcome.looked.cited_frames)
    shown = [
        {
            "time": frame["time"],
            "evidence": entry.get("id", ""),
            "cited": frame["time"] in cited,
            "gold": any(span.contains(frame["time"]) for span in outcome.gold),
            "ref": frame.get("ref", ""),
        }
        for entry in (record.episode or {}).get("evidence", [])
        for frame in entry["frames"]
    ]
    if pictures is not None:
        for place in _chosen(shown, most):
            frame = shown[place]
            frame["picture"] = pictures(record.video_id, frame["ref"])
    return shown


def _chosen(shown: Sequence[Json], most: int) -> list[int]:
    """Which frames get a picture: cited, then in gold, then others evenly spread."""
    ranked = [
        [place for place, frame in enumerate(shown) if frame["cited"]],
        [place for place, f in enumerate(shown) if f["gold"] and not f["cited"]],
        [place for place, f in enumerate(shown) if not f["gold"] and not f["cited"]],
    ]
    chosen: list[int] = []
    for places in ranked:
        room = min(most - len(chosen), len(places))
        chosen += [places[(2 * n + 1) * len(places) // (2 * room)] for n in range(room)]
    return chosen


def _inspection(entry: Json) -> Json:
    return {
        **_some(entry, _INSPECTION, _SHORT),
        "spans": entry["spans"],
        "shown": len(entry["frames"]),
        "sufficient": bool(entry.get("sufficient")),
        "observations": [
            {"time": seen["time"], "text": _cut(seen["text"], _SHORT)}
            for seen in entry.get("observations", [])
        ],
    }


def _step(step: Json) -> Json:
    result = step.get("result") or {}
    return {
        "number": step.get("number", 0),
        "said": _cut(step.get("said", ""), _SHORT),
        "tool": step.get("tool"),
        "args": _cut(_plain(step.get("args") or {}), _SHORT),
        "result": _cut(_plain(result), _SHORT),
        "failed": isinstance(result, dict) and "error" in result,
        "seconds": step.get("model_seconds", 0.0) + step.get("tool_seconds", 0.0),
    }


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str, most: int, *, keep_end: bool = False) -> str:
    if len(text) <= most:
        return text
    left_out = f"[{len(text) - most:,} characters left out]"
    return f"{left_out} {text[-most:]}" if keep_end else f"{text[:most]} {left_out}"
