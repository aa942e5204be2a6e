"""The offline summariser: picks lines that say much, spread over the whole; it writes nothing."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Final

from videoseal.models.offline.rarity import content, words
from videoseal.models.types import Reply, Usage

__all__ = ["ExtractSummariser"]

_MOST: Final = 10
_LONGEST: Final = 200


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

        parts = min(_MOST, len(lines))
        edges = [part * len(lines) // parts for part in range(parts + 1)] if parts else []
        best = [max(range(*edges[at : at + 2]), key=worth) for at in range(parts)]
        flat = [" ".join(lines[at].split()) for at in best]
        text = "\n".join(t if len(t) <= _LONGEST else f"{t[: _LONGEST - 1]}…" for t in flat)
        return Reply(text, Usage(calls=1, seconds=time.perf_counter() - started))
