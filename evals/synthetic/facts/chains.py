"""Puzzles whose answer needs two moments of the video."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from random import Random

from videoseal.evals.synthetic.facts.families import fresh_keys, grid, lone
from videoseal.evals.synthetic.facts.near_misses import codes
from videoseal.evals.synthetic.facts.puzzles import Puzzle, Registry, Show
from videoseal.evals.synthetic.facts.wordings import wordings

__all__ = ["badge", "departures", "door_code", "purchases"]


def badge(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    """Who lost a thing (subtitle), and that person's badge number (sign)."""
    names = _fresh("badge", "people", rng, registry)[:4]
    items = _fresh("lost", "lost", rng, registry)
    numbers = codes(4)(rng, 4)
    said = tuple(
        Show("subtitle", f"{name}: I lost the {item}.", speaker=name)
        for name, item in zip(names, items, strict=False)
    )
    worn = _signs("badge {}|{}", numbers, names)
    gold = rng.randrange(4)
    item = items[gold] if answerable else items[4]
    return Puzzle(
        family="badge",
        question=f"What is the badge number of the person who lost the {item}?",
        options=tuple(numbers),
        answer=gold if answerable else None,
        shows=said + worn,
        proof=(said[gold], worn[gold]) if answerable else (),
        types=("reasoning", "key information retrieval"),
    )


def door_code(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    """Where a club meets (sign), and the door code of that room (another sign)."""
    names = _fresh("room", "clubs", rng, registry)
    rooms = _fresh("door", "codes 3", rng, registry)[:4]
    words = wordings("en").maker("animals")(rng, 4)
    meets = _signs("{}|meets in room {}", names, rooms)
    doors = _signs("room {}|door code {}", rooms, words)
    gold = rng.randrange(4)
    club = names[gold] if answerable else names[4]
    return Puzzle(
        family="door",
        question=f"What is the door code of the room where the {club} meets?",
        options=tuple(words),
        answer=gold if answerable else None,
        shows=meets + doors,
        proof=(meets[gold], doors[gold]) if answerable else (),
        types=("reasoning",),
    )


def departures(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    """The minutes between two ferries whose times stand on two signs."""
    cities = _fresh("ferry", "cities", rng, registry)
    start = rng.randrange(7 * 12, 18 * 12) * 5
    # A Golomb-like set: its six differences differ, so that one of them is one pair only.
    times = [start + 5 * step for step in rng.choice([(0, 1, 4, 6), (0, 2, 5, 6), (0, 2, 7, 8)])]
    signs = _signs("ferry to {}|departs {}", cities, [f"{t // 60:02d}:{t % 60:02d}" for t in times])
    pairs = rng.sample(list(combinations(range(4), 2)), 4)
    gold = rng.randrange(4)
    first, second = pairs[gold]
    later = cities[second] if answerable else cities[4]
    return Puzzle(
        family="ferry",
        question=(
            f"By the signs, how many minutes after the ferry to {cities[first]} "
            f"does the ferry to {later} depart?"
        ),
        options=tuple(f"{times[b] - times[a]} minutes" for a, b in pairs),
        answer=gold if answerable else None,
        shows=signs,
        proof=(signs[first], signs[second]) if answerable else (),
        types=("reasoning",),
    )


def purchases(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    """The two things that one of two people bought at a place, told at two moments."""
    maker = wordings("en").maker
    places = grid(("who", maker("first_names")), ("where", maker("meeting_places")))
    keys = fresh_keys("bought", places, rng, registry)
    buyers, absent = rng.sample(keys[:4], 2), keys[4]
    items = maker("items")(rng, 4)
    owners = (buyers[0], buyers[0], buyers[1], buyers[1])
    shows = tuple(
        Show(
            "subtitle",
            f"{key['who']}: I bought the {item} at the {key['where']}.",
            speaker=key["who"],
        )
        for key, item in zip(owners, items, strict=True)
    )
    # Each item stands in two of the four options, so that none stands out.
    pairs = ((0, 1), (2, 3), (0, 2), (1, 3))
    mine = rng.randrange(2)
    asked = buyers[mine] if answerable else absent
    return Puzzle(
        family="bought",
        question=(
            f"Which two things does {asked['who']} buy at the {asked['where']} "
            "in the course of the video?"
        ),
        options=tuple(f"the {items[a]} and the {items[b]}" for a, b in pairs),
        answer=mine if answerable else None,
        shows=shows,
        proof=shows[2 * mine : 2 * mine + 2] if answerable else (),
        types=("summarization",),
    )


def _fresh(family: str, what: str, rng: Random, registry: Registry) -> list[str]:
    """Five words that `family` has not used in this video."""
    keys = fresh_keys(family, lone("k", wordings("en").maker(what)), rng, registry)
    return [key["k"] for key in keys]


def _signs(form: str, firsts: Sequence[str], seconds: Sequence[str]) -> tuple[Show, ...]:
    """A sign for each pair, as many as there are of the fewer."""
    pairs = zip(firsts, seconds, strict=False)
    return tuple(Show("sign", form.format(*pair).upper()) for pair in pairs)
