"""A family of facts: one template, five keys of which one is never shown, four values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from videoseal.evals.synthetic.facts.near_misses import ValueMaker
from videoseal.evals.synthetic.facts.puzzles import Language, Puzzle, Registry, Show, ShowKind

__all__ = [
    "Decoy",
    "Exhausted",
    "Family",
    "Key",
    "KeyMaker",
    "build",
    "decoy",
    "fresh_keys",
    "grid",
    "lone",
]

Key = dict[str, str]
KeyMaker = Callable[[Random], list[Key]]

_SHOWN = 4
_TRIES = 60


class Exhausted(Exception):
    """A family has no unused keys left for this video."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of fact; `{v}` stands for the value, other fields for the key."""

    name: str
    kind: ShowKind
    show: str
    ask: str
    keys: KeyMaker
    """Gives five near-miss keys, shuffled; the last is the absent one."""
    values: ValueMaker
    types: Sequence[str] = ("key information retrieval",)
    language: Language = "en"
    option: str = "{v}"


class Decoy(NamedTuple):
    """Four facts that are shown and not asked about, and a fifth that is not even shown."""

    shows: tuple[Show, ...]
    absent: Show


def lone(field: str, values: ValueMaker) -> KeyMaker:
    """Keys of one field, drawn like near-miss values."""
    return lambda rng: [{field: value} for value in values(rng, _SHOWN + 1)]


def grid(*fields: tuple[str, ValueMaker]) -> KeyMaker:
    """Keys of two fields out of a 3 x 2 grid: neighbours share one field with each other.

    Both fields of the absent key are shown, only never together.
    """
    (first, firsts), (second, seconds) = fields

    def make(rng: Random) -> list[Key]:
        rows, columns = firsts(rng, 3), seconds(rng, 2)
        cells = [(row, column) for row in rows for column in columns]
        rng.shuffle(cells)
        absent = cells.pop()
        drop = next(i for i, (row, _) in enumerate(cells) if row != absent[0])
        del cells[drop]
        return [{first: row, second: column} for row, column in [*cells, absent]]

    return make


def fresh_keys(family: str, keys: KeyMaker, rng: Random, registry: Registry) -> list[Key]:
    """Five keys that `family` has not used in this video; Exhausted when the pool is empty."""
    for _ in range(_TRIES):
        found = keys(rng)
        names = ["|".join(key.values()) for key in found]
        if len(set(names)) == len(names) and registry.free(family, names):
            registry.take(family, names)
            return found
    raise Exhausted(family)


def _tell(family: Family, key: Key, value: str) -> Show:
    """The show that states one fact."""
    text = family.show.format(**key, v=value)
    if family.kind == "sign" and family.language == "en":
        text = text.upper()
    return Show(family.kind, text, family.language, speaker=_speaker(text, family.kind))


def _speaker(text: str, kind: ShowKind) -> str:
    head, mark, _ = text.replace("：", ":").partition(":")
    return head if kind == "subtitle" and mark else ""


def _values(family: Family, keys: list[Key], rng: Random) -> list[str]:
    """One value a key, none of which names its own key: nobody gives a present to herself."""
    while True:
        values = family.values(rng, len(keys))
        if all(v not in key.values() for key, v in zip(keys, values, strict=True)):
            return values


def build(family: Family, rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    """Four facts of `family`, and a question about one of them or about a fifth never shown."""
    *shown, absent = fresh_keys(family.name, family.keys, rng, registry)
    values = _values(family, shown, rng)
    shows = tuple(_tell(family, key, value) for key, value in zip(shown, values, strict=True))
    gold = rng.randrange(_SHOWN)
    return Puzzle(
        family=family.name,
        question=family.ask.format(**(shown[gold] if answerable else absent)),
        options=tuple(family.option.format(v=value) for value in values),
        answer=gold if answerable else None,
        shows=shows,
        proof=(shows[gold],) if answerable else (),
        types=tuple(family.types),
    )


def decoy(family: Family, rng: Random, registry: Registry) -> Decoy:
    """Five facts of `family` with five values."""
    keys = fresh_keys(family.name, family.keys, rng, registry)
    values = family.values(rng, len(keys))
    *shows, absent = (_tell(family, key, value) for key, value in zip(keys, values, strict=True))
    return Decoy(tuple(shows), absent)
