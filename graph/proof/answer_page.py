"""An answer as one page: what was asked, where it was looked, and the pictures that prove it.

Everything is inside the file: it opens without a server or a network, runs no script, and what was
read from the video or said by a model is text in it, never markup.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from videoseal.core.errors import SpanError
from videoseal.core.span import Span, format_time
from videoseal.graph.proof.answer_html import thumbnail
from videoseal.graph.proof.trajectory import verdict

if TYPE_CHECKING:
    from jinja2 import Environment

    from videoseal.graph.answers import Citation
    from videoseal.graph.episode import Episode, Step
    from videoseal.graph.ledger import Evidence, ShownFrame

__all__ = ["TOKENS", "answer_page", "page_environment"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
TOKENS: Final = _TEMPLATES / "tokens.css"
"""Colours and letters of every page."""
_CITED: Final = 16
"""Pictures in full; those beyond, and those that are not cited, are small."""
_SMALL: Final = 96
_SIDE, _QUALITY = 240, 70
_CLIP_BYTES: Final = 6_000_000
"""Of all moving pictures together."""
_NICE: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
"""Seconds between the marks of a timeline."""
_MARKS: Final = 8


class _Mark(NamedTuple):
    """A stretch of the timeline."""

    left: float
    """In percent of the video, as `width`."""
    width: float
    title: str


class _Track(NamedTuple):
    name: str
    marks: list[_Mark]


def answer_page(
    episode: Episode, pictures: Mapping[str, bytes], clips: Mapping[str, bytes] | None = None
) -> str:
    """The page of a run; `pictures` are JPEGs by hash, `clips` MP4s by the entry they are of."""
    answer = episode.answer
    return (
        page_environment(_TEMPLATES)
        .get_template("answer.html")
        .render(
            title=episode.title or episode.video_id,
            question=episode.question,
            verdict=verdict(episode),
            state=_state(episode),
            answer=answer,
            length=format_time(_length(episode)),
            tracks=_tracks(episode),
            ticks=_ticks(_length(episode)),
            citations=[*_citations(answer.citations, pictures, clips or {})],
            looks=[*_looks(episode.evidence, pictures)],
            steps=[_step(step) for step in episode.steps],
            total=episode.usage.get("total"),
            seconds=episode.timings.total,
            models=episode.models,
            mode=episode.context.mode,
            video_id=episode.video_id,
        )
    )


def page_environment(folder: Path) -> Environment:
    """How pages are filled: every value is escaped, and one that is missing is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def _state(episode: Episode) -> str:
    if episode.error is not None:
        return "failed"
    if episode.answer.outcome == "abstained":
        return "none"
    return "proven" if episode.answer.proven else "unproven"


def _length(episode: Episode) -> float:
    """Of the video in seconds, or of what was looked at in records that do not tell."""
    looked = (end for entry in episode.evidence for _, end in entry.spans)
    return episode.duration or max(looked, default=0.0) or 1.0


def _tracks(episode: Episode) -> list[_Track]:
    length = _length(episode)
    cited = [(entry, entry.frames) for entry in episode.answer.citations]
    found = [(hit["span"], hit["text"]) for step in episode.steps for hit in _hits(step)]
    tracks = {
        "found": [_mark(span, length, text) for text_span, text in found
                  for span in _read(text_span)],
        "looked at": [_mark(Span(*pair), length, entry.id)
                      for entry in episode.evidence for pair in entry.spans],
        "said": [_mark(Span(line.start, line.end), length, line.text)
                 for entry in episode.evidence for line in entry.lines],
        "cited": [_mark(Span(f.time, f.time + 1e-6), length, entry.evidence)
                  for entry, frames in cited for f in frames],
    }  # fmt: skip
    return [_Track(name, marks) for name, marks in tracks.items() if marks]


def _mark(span: Span, length: float, title: str) -> _Mark:
    left = min(100.0, 100 * span.start / length)
    width = min(100.0 - left, 100 * span.duration / length)
    when = format_time(span.start) if span.duration < 1e-3 else str(span)
    return _Mark(round(left, 3), round(width, 3), f"{when} {title}")


def _ticks(length: float) -> list[tuple[float, str]]:
    step = next((nice for nice in _NICE if length / nice <= _MARKS), length / _MARKS)
    times = itertools.takewhile(lambda time: time <= length, itertools.count(0, step))
    return [(round(100 * time / length, 3), format_time(time)) for time in times]


def _hits(step: Step) -> list[dict[str, Any]]:
    hits = step.result.get("hits")
    return [hit for hit in hits if {"span", "text"} <= hit.keys()] if hits else []


def _read(text: str) -> Iterator[Span]:
    try:
        yield Span.parse(text)
    except SpanError:
        return


def _citations(
    citations: Sequence[Citation], pictures: Mapping[str, bytes], clips: Mapping[str, bytes]
) -> Iterator[dict[str, Any]]:
    left, room = _CITED, _CLIP_BYTES
    for cited in citations:
        said = {line.text for line in cited.lines}
        clip = clips.get(cited.evidence, b"")
        clip = clip if len(clip) <= room else b""
        room -= len(clip)
        yield {
            "id": cited.evidence,
            "spans": [str(Span(*pair)) for pair in cited.spans],
            "frames": list(_frames(cited.frames, pictures, left)),
            "seen": [text for text in dict.fromkeys(cited.seen) if text not in said],
            "lines": [(format_time(line.start, decimals=1), line) for line in cited.lines],
            "clip": _url(clip, "video/mp4"),
        }
        left -= len(cited.frames)


def _looks(ledger: Iterable[Evidence], pictures: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    left = _SMALL
    for entry in ledger:
        shown = [*entry.frames][:: max(1, len(entry.frames) // 12)]
        yield {"entry": entry, "spans": [str(Span(*pair)) for pair in entry.spans],
               "frames": list(_frames(shown[:left], pictures, 0))}  # fmt: skip
        left = max(0, left - len(shown))


def _frames(
    frames: Iterable[ShownFrame], pictures: Mapping[str, bytes], full: int
) -> Iterator[tuple[str, str]]:
    """Time and data URL of each picture that is at hand, the first `full` in their own size."""
    for number, frame in enumerate(frames):
        jpeg = pictures.get(frame.sha256, b"")
        shown = jpeg if number < full else thumbnail(jpeg, _SIDE, _QUALITY) or b""
        yield format_time(frame.time, decimals=1), _url(shown, "image/jpeg")


def _url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}" if data else ""


def _step(step: Step) -> dict[str, Any]:
    """A step in the words of a reader."""
    args, result = step.args, step.result
    told: list[str] = []
    if step.tool == "visual_retrieve":
        what = f"searched \u201c{args.get('query', '')}\u201d"
        told = [f"{hit['span']} {hit['text']}" for hit in _hits(step)[:5]] or ["nothing was found"]
    elif step.tool == "overview":
        what = "skimmed the outline"
    elif step.tool == "visual_inspect":
        what = f"looked at {', '.join(map(str, args.get('spans', [])))}"
        found = "sufficient" if result.get("sufficient") else result.get("reason", "")
        told = [f"{result.get('shown', 0)} frames: {found}", str(result.get("missing", ""))]
    elif step.tool == "give_up":
        what, told = "gave up", [str(args.get("reason", ""))]
    else:
        what = step.tool or "called nothing"
    if "error" in result:
        told = [f"{result['error']}: {result.get('message', '')}"]
    return {"number": step.number, "what": what, "told": [line for line in told if line]}
