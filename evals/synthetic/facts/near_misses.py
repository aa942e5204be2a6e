"""Sets of values that are almost each other.

Every set is exchangeable: its members are shuffled before anyone becomes the right answer, so that
the closest or the middle one is no better guess than the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations, product
from random import Random
from typing import Any, Final

__all__ = ["MAKERS", "ValueMaker", "codes", "mixed", "numbers", "some"]

ValueMaker = Callable[[Random, int], list[str]]


def _spread(rng: Random, base: str, digits: Sequence[int], count: int) -> list[str]:
    """`count` variations of `base` with the digits at the given places swapped or replaced."""
    found = {base}
    places = list(digits)
    while len(found) < count:
        text = list(rng.choice(sorted(found)))
        if len(places) > 1 and rng.random() < 0.6:
            a, b = rng.sample(places, 2)
            text[a], text[b] = text[b], text[a]
        else:
            text[rng.choice(places)] = str(rng.randrange(10))
        if text[places[0]] != "0":
            found.add("".join(text))
    values = sorted(found)
    rng.shuffle(values)
    return values[:count]


def codes(length: int) -> ValueMaker:
    """Numbers of `length` digits, such as 4821, 4812, 4281."""

    def make(rng: Random, count: int) -> list[str]:
        base = "".join(map(str, rng.sample(range(1, 10), length)))
        return _spread(rng, base, range(length), count)

    return make


def _phones(rng: Random, count: int) -> list[str]:
    """Phone numbers such as 555-0184."""
    base = "555-" + "".join(map(str, rng.sample(range(1, 10), 4)))
    return _spread(rng, base, range(4, 8), count)


def _prices(rng: Random, count: int) -> list[str]:
    """Prices such as 3.40, of the same few digits."""
    a, b = rng.sample(range(2, 10), 2)
    pool = {f"{x}.{y}{z}" for x, y in permutations((a, b, max(1, a - 1)), 2) for z in (0, 5)}
    return rng.sample(sorted(pool), count)


def _clocks(rng: Random, count: int) -> list[str]:
    """Times of day that share hours or minutes, such as 14:35, 15:35, 14:53."""
    hour, minute = rng.randrange(7, 21), rng.randrange(2, 10) * 5
    pool = {(hour + a, (minute + b) % 60) for a in (0, 1, -1) for b in (0, 5, 15, 20)}
    chosen = rng.sample(sorted(pool), count)
    return [f"{h:02d}:{m:02d}" for h, m in chosen]


def _years(rng: Random, count: int) -> list[str]:
    """Years close to each other."""
    base = rng.randrange(1925, 2010)
    return [str(base + step) for step in rng.sample(range(-9, 10), count)]


def numbers(low: int, high: int) -> ValueMaker:
    """Whole numbers between `low` and `high`, at most 15 apart."""

    def make(rng: Random, count: int) -> list[str]:
        start = rng.randint(low, max(low, high - 15))
        return [str(n) for n in rng.sample(range(start, min(high, start + 15) + 1), count)]

    return make


def some(pool: Sequence[str]) -> ValueMaker:
    """Different members of `pool`."""

    def make(rng: Random, count: int) -> list[str]:
        return rng.sample(list(pool), count)

    return make


def mixed(
    form: str, parts: Mapping[str, tuple[ValueMaker, int]], *, capitals: bool = False
) -> ValueMaker:
    """Combinations of parts, of which so many are drawn; neighbours share one or the other.

    Parts are drawn in the order given and combined in that of `form`. Where there are just as many
    as are wanted they stay in order.
    """
    order = re.findall(r"\{(\w+)\}", form)

    def make(rng: Random, count: int) -> list[str]:
        drawn = {part: maker(rng, size) for part, (maker, size) in parts.items()}
        cells = product(*(drawn[part] for part in order))
        pool = [form.format(**dict(zip(order, cell, strict=True))) for cell in cells]
        pool = [text.title() for text in pool] if capitals else pool
        return pool if len(pool) == count else rng.sample(pool, count)

    return make


def _pairs(pool: Sequence[str]) -> ValueMaker:
    """Pairs among four members of `pool`, in the order of the alphabet."""

    def make(rng: Random, count: int) -> list[str]:
        names = rng.sample(list(pool), 4)
        return rng.sample([f"{a} and {b}" for a in names for b in names if a < b], count)

    return make


MAKERS: Final[dict[str, Callable[..., Any]]] = {
    "clocks": _clocks,
    "codes": codes,
    "numbers": numbers,
    "pairs": _pairs,
    "phones": _phones,
    "prices": _prices,
    "years": _years,
}
"""By the names that wordings call them; those with arguments make a maker."""
