"""The offline captioner: fills a template with what was measured and read; it sees nothing."""

from __future__ import annotations

import time
from typing import Final

from videoseal.models.types import CaptionRequest, Reply, Usage

__all__ = ["TemplateCaptioner"]

_MOST_LINES: Final = 24
_LONGEST_LINE: Final = 160
_STOPS: Final = tuple(".!?。！？")


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
        text = f"{_words(request.on_screen)} {_look(request.measured)}".strip()
        text = text or "Nothing was read or measured."
        return Reply(text, Usage(calls=1, seconds=time.perf_counter() - started))


def _words(lines: list[str]) -> str:
    plain = (" ".join(line.split())[:_LONGEST_LINE] for line in lines)
    distinct = [line for line in dict.fromkeys(plain) if line]
    end = " ..." if len(distinct) > _MOST_LINES else "." * (not "".join(distinct).endswith(_STOPS))
    return f"On screen: {' | '.join(distinct[:_MOST_LINES])}{end}" if distinct else ""


def _look(measured: dict[str, str]) -> str:
    colours = ", ".join(part.split()[0] for part in measured.get("colours", "").split(",") if part)
    light, motion = measured.get("brightness", ""), measured.get("motion", "")
    cuts = (measured.get("cuts") or "none").split()[0]
    parts = [
        f"mostly {colours}" if colours else "",
        "evenly lit" if light == "medium" else light,
        "a still picture" if motion == "still" else f"{motion} motion" if motion else "",
        f"{cuts} cut{'s' * (cuts != '1')}" if cuts.isdigit() else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f"{told[0].upper()}{told[1:]}." if told else ""
