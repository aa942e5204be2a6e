"""Which puzzles a video of a given number of questions gets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from random import Random
from typing import Literal, NamedTuple, get_args

from videoseal.evals.synthetic.facts.families import (
    Decoy,
    Exhausted,
    Family,
    Puzzle,
    Registry,
    build,
    decoy,
)
from videoseal.evals.synthetic.facts.vocabulary import families

__all__ = ["Afterthought", "Mix", "choose", "decoys"]

Afterthought = Literal["period", "next"]
"""Questions that are made from what was placed, not placed for the question."""

_CYCLE = (
    "sign", "subtitle", "table", "sign-", "subtitle zh",
    "chain", "subtitle", "period", "subtitle zh-", "table",
    "sign", "sign zh", "board", "subtitle-", "table zh",
    "next", "table-", "subtitle", "chain-", "sign",
    "subtitle zh", "sign", "period-", "subtitle", "chain",
    "table", "subtitle", "board-", "subtitle zh", "chain zh",
)  # fmt: skip
"""Kinds of question in turn, so that every prefix is mixed; `-` asks for what is not there."""


class Mix(NamedTuple):
    """What will be asked."""

    puzzles: list[Puzzle]
    afterthoughts: list[tuple[Afterthought, bool]]
    """Kind, and whether the video has an answer."""


class _Decks:
    """Families of each kind, dealt in a shuffled round so that they take turns."""

    def __init__(self, rng: Random) -> None:
        kinds: dict[str, list[Family]] = {}
        for family in families().values():
            kind = family.kind if family.language == "en" else f"{family.kind} {family.language}"
            kinds.setdefault(kind, []).append(family)
        self._sizes = {kind: len(members) for kind, members in kinds.items()}
        self._rounds: dict[str, Iterator[Family]] = {
            kind: cycle(rng.sample(members, len(members))) for kind, members in kinds.items()
        }

    def draw(self, kind: str, rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
        """The next puzzle of `kind`; a family that ran out of keys is passed over.

        Where all families of a kind ran out, in videos of many hours, a sign takes the place.
        """
        for family in islice(self._rounds[kind], self._sizes[kind]):
            try:
                return build(family, rng, registry, answerable=answerable)
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
        if plain in get_args(Afterthought):
            later.append((plain, answerable))  # type: ignore[arg-type]
        else:
            puzzles.append(decks.draw(plain, rng, registry, answerable=answerable))
    return Mix(puzzles, later)


def decoys(rng: Random, registry: Registry, count: int) -> list[Decoy]:
    """`count` groups of signs that no puzzle asks about, of the same kinds as the puzzles' own."""
    signs = [family for family in families().values() if family.kind == "sign"]
    turns = cycle(rng.sample(signs, len(signs)))
    found: list[Decoy] = []
    while len(found) < count:
        try:
            found.append(decoy(next(turns), rng, registry))
        except Exhausted:
            continue
    return found
