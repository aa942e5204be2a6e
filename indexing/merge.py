"""Rows of texts from what the stages found: pure functions, each linear in the video's length."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from videoseal.core.span import Span
from videoseal.indexing.index_rows import TextRow
from videoseal.indexing.stages.text_segments import Cue

__all__ = ["clip_rows", "cue_rows", "per_span", "scene_rows"]

_SCENE_PART: Final = 240


def cue_rows(cues: Sequence[Cue], model: str) -> list[TextRow]:
    """Rows of kind `ocr`, one a cue, with its place and confidence."""
    rows = []
    for ordinal, cue in enumerate(cues):
        box = [round(edge, 4) for edge in cue.box]
        data = {"box": box, "score": round(cue.score, 4), "counter": bool(cue.values)}
        rows.append(TextRow("ocr", ordinal, cue.span, cue.text, model, data))
    return rows


def per_span(spans: Sequence[Span], texts: Iterable[tuple[Span, str]]) -> list[list[str]]:
    """The distinct texts of each span, in order of time.

    `spans` are in order and do not overlap. Spans are half-open: a text that only touches a
    border belongs to one side.
    """
    found: list[dict[str, None]] = [{} for _ in spans]
    first = 0
    for span, text in sorted(texts, key=lambda item: item[0]):
        while first < len(spans) and spans[first].end <= span.start:
            first += 1
        index = first
        while index < len(spans) and spans[index].start < span.end:
            found[index][text] = None
            index += 1
    return [list(texts) for texts in found]


def clip_rows(
    clips: Mapping[int, Span],
    captions: Mapping[int, str],
    cues: Sequence[Cue],
    speech: Sequence[TextRow],
    model: str,
) -> list[TextRow]:
    """Rows of kind `clip`: what is seen, read and said in each clip, one line each."""
    ordinals = sorted(clips)
    spans = [clips[ordinal] for ordinal in ordinals]
    read = per_span(spans, ((cue.span, cue.short) for cue in cues))
    said = per_span(spans, ((row.span, row.text) for row in speech))
    rows = []
    for index, ordinal in enumerate(ordinals):
        caption = " ".join(captions.get(ordinal, "").split())
        text = "\n".join(_told(caption, read[index], said[index]))
        data = {"caption": caption, "on_screen": read[index], "speech": said[index]}
        rows.append(TextRow("clip", ordinal, spans[index], text, model, data))
    return rows


def scene_rows(
    scenes: Sequence[Span],
    clips: Mapping[int, Span],
    captions: Mapping[int, str],
    cues: Sequence[Cue],
    speech: Sequence[TextRow],
    model: str,
) -> list[TextRow]:
    """Rows of kind `scene`: on one line what is read, said and seen, the latter in its middle."""
    read = per_span(scenes, ((cue.span, cue.short) for cue in cues))
    said = per_span(scenes, ((row.span, row.text) for row in speech))
    ordinals = sorted(clips)
    starts = [clips[ordinal].start for ordinal in ordinals]
    rows = []
    for index, scene in enumerate(scenes):
        nearest = ordinals[max(0, bisect_right(starts, scene.middle) - 1)]
        caption = " ".join(captions.get(nearest, "").split())
        told = [_shortened(part) for part in _told(caption, read[index], said[index])]
        rows.append(TextRow("scene", index, scene, " ".join(told), model))
    return rows


def _told(caption: str, read: Sequence[str], said: Sequence[str]) -> list[str]:
    lines = (
        f"Visual: {caption}" if caption else "",
        f"On screen: {' | '.join(read)}" if read else "",
        f"Speech: {' '.join(said)}" if said else "",
    )
    return [line for line in lines if line]


def _shortened(text: str) -> str:
    return text if len(text) <= _SCENE_PART else f"{text[: _SCENE_PART - 1].rstrip()}…"
