"""The offline captioner: fills a template with what was measured and read; it sees nothing."""

from __future__ import annotations

import time
from typing import Final

from videoseal.models.types import CaptionRequest, Reply, Usage

__all__ = ["TemplateCaptioner"]

_MOST_LINES: Final = 24
_STOPS: Final = ".!?。！？"
_LONGEST_LINE: Final = 160
_LIGHT: Final = {"dark": "dark", "medium": "evenly lit", "bright": "bright"}
_MOTION: Final = {
    "still": "a still picture",
    "little": "little motion",
    "moderate": "moderate motion",
    "much": "much motion",
}


class TemplateCaptioner:
    """Says which text, colours, light, motion and cuts a clip has.

    It knows no objects, persons, places or actions, so that only words on the screen make one
    clip findable among others. The captions name themselves by `template-1`.
    """

    name = "template-1"
    wants_frames = False

    async def caption(self, request: CaptionRequest) -> Reply[str]:
        """One line; the same for the same measurements."""
        started = time.perf_counter()
        parts = [part for part in (_words(request.on_screen), _look(request.measured)) if part]
        text = " ".join(parts) or "Nothing was read or measured."
        return Reply(text, Usage(calls=1, seconds=time.perf_counter() - started))


def _words(lines: list[str]) -> str:
    plain = [" ".join(line.split())[:_LONGEST_LINE] for line in lines]
    distinct = list(dict.fromkeys(line for line in plain if line))
    if not distinct:
        return ""
    end = " ..." if len(distinct) > _MOST_LINES else "." * (distinct[-1][-1] not in _STOPS)
    return f"On screen: {' | '.join(distinct[:_MOST_LINES])}{end}"


def _look(measured: dict[str, str]) -> str:
    colours = ", ".join(part.split()[0] for part in measured.get("colours", "").split(",") if part)
    light = measured.get("brightness", "")
    motion = measured.get("motion", "")
    cuts = measured.get("cuts", "none").split()
    number = cuts[0] if cuts and cuts[0].isdigit() else ""
    parts = [
        f"mostly {colours}" if colours else "",
        _LIGHT.get(light, light),
        _MOTION.get(motion, motion),
        f"{number} {'cut' if number == '1' else 'cuts'}" if number else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f"{told[0].upper()}{told[1:]}." if told else ""
