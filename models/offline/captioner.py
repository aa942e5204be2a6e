"""The offline captioner and summariser, which see nothing: a template, and an extract."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Final

from videoseal.models.offline.rarity import content, words
from videoseal.models.types import CaptionRequest, Reply, Usage

__all__ = ["ExtractSummariser", "TemplateCaptioner"]

_MOST_LINES: Final = 24
_LONGEST_LINE: Final = 160
_STOPS: Final = tuple(".!?。！？")
_PARTS: Final = 10
_LONGEST: Final = 200


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


class ExtractSummariser:
    """Quotes one line out of each tenth of the lines: the one with the rarest words.

    An extract: it joins nothing, judges nothing, and misses whatever no single line says.
    """

    name = "extract-2"

    async def summarise(self, lines: list[str]) -> Reply[str]:
        """The chosen lines in their order, one below the other; empty for no lines."""
        started = time.perf_counter()
        said = [{word.form for word in words(line) if content(word)} for line in lines]
        spread = Counter(form for forms in said for form in forms)

        def worth(at: int) -> float:
            # The square root keeps one very long line from winning by its length alone.
            # Exact, for the order of a set is not the same in every process, and ties must be.
            rarity = math.fsum(math.log(len(lines) / spread[form]) for form in said[at])
            return rarity / math.sqrt(max(1, len(said[at])))

        parts = min(_PARTS, len(lines))
        edges = [part * len(lines) // parts for part in range(parts + 1)] if parts else []
        best = [max(range(*edges[at : at + 2]), key=worth) for at in range(parts)]
        flat = [" ".join(lines[at].split()) for at in best]
        text = "\n".join(t if len(t) <= _LONGEST else f"{t[: _LONGEST - 1]}…" for t in flat)
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
