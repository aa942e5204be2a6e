"""Which puzzles a video of a given number of questions gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, cycle, islice
from random import Random
from typing import Literal, NamedTuple

from videoseal.evals.synthetic.facts import chains, visuals
from videoseal.evals.synthetic.facts.families import Decoy, Exhausted, Family, build, decoy
from videoseal.evals.synthetic.facts.puzzles import Puzzle, Registry
from videoseal.evals.synthetic.facts.wordings import wordings

__all__ = ["Afterthought", "Mix", "choose", "decoys"]

Afterthought = Literal["period", "next", "title"]
"""Questions that are made from what was placed, not placed for the question."""

_AFTERTHOUGHTS: dict[str, Afterthought] = {"period": "period", "next": "next", "title": "title"}
_MAX_CROSSINGS = 6
_ROUND = 10
"""No kind has more families."""

_CYCLE = (
    "sign", "talk", "visual", "sign-", "talk-zh",
    "badge", "talk", "period", "talk-zh-", "sign",
    "bought", "sign-zh", "visual", "talk-", "title",
    "next", "visual", "talk", "badge-", "ferry",
    "talk-zh", "sign", "crossing", "visual-", "door",
    "talk", "sign", "talk-zh", "sign-", "period-",
)  # fmt: skip
"""Kinds of question in turn, so that every prefix is mixed; `-` asks for what is not there."""


class Mix(NamedTuple):
    """What will be asked."""

    puzzles: list[Puzzle]
    afterthoughts: list[tuple[Afterthought, bool]]
    """Kind, and whether the video has an answer."""


class _Decks:
    """Builders of each kind, dealt in a shuffled round so that families take turns."""

    def __init__(self, rng: Random) -> None:
        self._rounds: dict[str, Iterator[Callable[..., Puzzle]]] = {
            "sign": self._families(rng, wordings("en").signs),
            "sign-zh": self._families(rng, wordings("zh").signs),
            "talk": self._families(rng, wordings("en").talk),
            "talk-zh": self._families(rng, wordings("zh").talk),
            "visual": cycle(visuals.VISUALS),
            "badge": cycle([chains.badge]),
            "door": cycle([chains.door_code]),
            "ferry": cycle([chains.departures]),
            "bought": cycle([chains.purchases]),
            "crossing": chain([visuals.crossing] * _MAX_CROSSINGS, cycle(visuals.VISUALS)),
        }

    @staticmethod
    def _families(rng: Random, families: Sequence[Family]) -> Iterator[Callable[..., Puzzle]]:
        order = rng.sample(families, len(families))
        return cycle([partial(build, family) for family in order])

    def draw(self, kind: str, rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
        """The next puzzle of `kind`; a family that ran out of keys is passed over.

        Where all families of a kind ran out, in videos of many hours, a sign takes the place.
        """
        for maker in islice(self._rounds[kind], _ROUND):
            try:
                return maker(rng, registry, answerable=answerable)
            except Exhausted:
                continue
        assert kind != "sign", "the families of signs have keys for days"
        return self.draw("sign", rng, registry, answerable=answerable)


def choose(rng: Random, registry: Registry, count: int) -> Mix:
    """Pick `count` questions: mostly text, a fifth without an answer."""
    decks, puzzles = _Decks(rng), list[Puzzle]()
    later: list[tuple[Afterthought, bool]] = []
    for kind, _ in zip(cycle(_CYCLE), range(count), strict=False):
        plain, answerable = kind.removesuffix("-"), not kind.endswith("-")
        if plain in _AFTERTHOUGHTS:
            later.append((_AFTERTHOUGHTS[plain], answerable))
        else:
            puzzles.append(decks.draw(plain, rng, registry, answerable=answerable))
    return Mix(puzzles, later)


def decoys(rng: Random, registry: Registry, count: int) -> list[Decoy]:
    """`count` groups of signs that no puzzle asks about, of the same kinds as the puzzles' own."""
    signs = wordings("en").signs + wordings("zh").signs
    families = cycle(rng.sample(signs, len(signs)))
    found: list[Decoy] = []
    while len(found) < count:
        try:
            found.append(decoy(next(families), rng, registry))
        except Exhausted:
            continue
    return found
