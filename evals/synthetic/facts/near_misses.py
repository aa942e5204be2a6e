"""Sets of values that are almost each other.

Every set is exchangeable: its members are shuffled before anyone becomes the right answer, so that
the closest or the middle one is no better guess than the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from random import Random

__all__ = ["ValueMaker", "clocks", "codes", "numbers", "phones", "prices", "some", "years"]

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


def phones(rng: Random, count: int) -> list[str]:
    """Phone numbers such as 555-0184."""
    base = "555-" + "".join(map(str, rng.sample(range(1, 10), 4)))
    return _spread(rng, base, range(4, 8), count)


def prices(rng: Random, count: int) -> list[str]:
    """Prices such as 3.40, of the same few digits."""
    a, b = rng.sample(range(2, 10), 2)
    pool = {f"{x}.{y}{z}" for x, y in permutations((a, b, max(1, a - 1)), 2) for z in (0, 5)}
    return rng.sample(sorted(pool), count)


def clocks(rng: Random, count: int) -> list[str]:
    """Times of day that share hours or minutes, such as 14:35, 15:35, 14:53."""
    hour, minute = rng.randrange(7, 21), rng.randrange(2, 10) * 5
    pool = {(hour + a, (minute + b) % 60) for a in (0, 1, -1) for b in (0, 5, 15, 20)}
    chosen = rng.sample(sorted(pool), count)
    return [f"{h:02d}:{m:02d}" for h, m in chosen]


def years(rng: Random, count: int) -> list[str]:
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
