"""SubStation Alpha (.ass, .ssa): lines of fields whose order the file names."""

from __future__ import annotations

import re
from typing import Final

from pysubs2.formats.substation import parse_tags

from videoseal.indexing.subtitles.cues import CLOCK, CueFault, ParsedCues, RawCue, clock

__all__ = ["is_script", "read_script", "script_text"]

_SECTION: Final = re.compile(r"^\s*\[(?:Script Info|V4\+? Styles|Events)\]", re.M | re.I)
_EVENT: Final = re.compile(r"^Dialogue:\s*(?:Marked=)?\d", re.M)
_FIELDS: Final = "Layer,Start,End,Style,Name,MarginL,MarginR,MarginV,Effect,Text"
_CLOCK: Final = re.compile(CLOCK)


def is_script(text: str) -> bool:
    """Whether a text is a script, be it without its header."""
    return bool(_SECTION.search(text) or _EVENT.search(text))


def read_script(text: str) -> ParsedCues:
    """All events that show text, and those that cannot be read."""
    parsed = ParsedCues([], [])
    fields = _names(_FIELDS)
    for place, line in enumerate(text.split("\n"), start=1):
        kind, _, rest = line.strip().partition(":")
        if kind == "Format" and {"start", "text"} <= set(_names(rest)):
            fields = _names(rest)
        elif kind == "Dialogue":
            event = dict(zip(fields, rest.split(",", len(fields) - 1), strict=False))
            start, end = event.get("start", "").strip(), event.get("end", "").strip()
            if "text" in event and _CLOCK.fullmatch(start) and _CLOCK.fullmatch(end):
                said = script_text(event["text"])
                parsed.cues.append(RawCue(place, clock(start), clock(end), said))
            else:
                parsed.faults.append(CueFault(place, f"cannot read {line.strip()!r:.80}"))
    return parsed


def _names(line: str) -> list[str]:
    return [name.strip().lower() for name in line.split(",")]


def script_text(text: str) -> str:
    """The words of an event, without styles, remarks and drawings, its breaks as line ends."""
    words = "".join(part for part, style in parse_tags(text) if not style.drawing)
    return words.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
