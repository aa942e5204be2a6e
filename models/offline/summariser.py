"""The offline summariser: picks lines that say much, spread over the whole; it writes nothing."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Final

from videoseal.models.offline.words import is_content, tokens
from videoseal.models.types import Reply, Usage

__all__ = ["ExtractSummariser"]

_MOST: Final = 10
_LONGEST: Final = 200


class ExtractSummariser:
    """Quotes one line out of each tenth of the lines: the one with the rarest words.

    An extract: it joins nothing, judges nothing, and misses whatever no single line says.
    """

    name = "extract-1"

    async def summarise(self, lines: list[str]) -> Reply[str]:
        """The chosen lines in their order, one below the other; empty for no lines."""
        started = time.perf_counter()
        text = "\n".join(_shortened(lines[at]) for at in _chosen(lines))
        return Reply(text, Usage(calls=1, seconds=time.perf_counter() - started))


def _chosen(lines: list[str]) -> list[int]:
    words = [{t.text for t in tokens(line) if is_content(t)} for line in lines]
    spread = Counter(word for line in words for word in line)
    parts = min(_MOST, len(lines))
    edges = [part * len(lines) // parts for part in range(parts)] if parts else []
    ends = [*edges[1:], len(lines)][: len(edges)]

    def worth(at: int) -> tuple[float, int]:
        # The square root keeps one very long line from winning by its length alone.
        rarity = sum(math.log(len(lines) / spread[word]) for word in words[at])
        return (rarity / math.sqrt(max(1, len(words[at]))), -at)

    return [max(range(start, end), key=worth) for start, end in zip(edges, ends, strict=True)]


def _shortened(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
