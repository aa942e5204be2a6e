"""Puzzles whose answer needs two moments of the video."""

from __future__ import annotations

from itertools import combinations
from random import Random

from videoseal.evals.synthetic.facts import vocabulary_en as en
from videoseal.evals.synthetic.facts.families import fresh_keys, grid, lone
from videoseal.evals.synthetic.facts.near_misses import codes, some
from videoseal.evals.synthetic.facts.puzzles import Puzzle, Registry, Show
from videoseal.evals.synthetic.facts.sign_facts import clubs, people

__all__ = ["badge", "departures", "door_code", "purchases"]

_LOST = ("silver", "brass", "wooden", "glass", "copper", "ivory", "tin", "leather")


def _lost(rng: Random, count: int) -> list[str]:
    kinds, items = rng.sample(_LOST, 3), rng.sample(en.ITEMS, 2)
    return rng.sample([f"{kind} {item}" for kind in kinds for item in items], count)


def badge(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    """Who lost a thing (subtitle), and that person's badge number (sign)."""
    names = [key["k"] for key in fresh_keys("badge", lone("k", people), rng, registry)][:4]
    items = [key["k"] for key in fresh_keys("lost", lone("k", _lost), rng, registry)]
    numbers = codes(4)(rng, 4)
    said = tuple(
        Show("subtitle", f"{name}: I lost the {item}.", speaker=name)
        for name, item in zip(names, items, strict=False)
    )
    worn = tuple(
        Show("sign", f"badge {number}|{name}".upper())
        for number, name in zip(numbers, names, strict=True)
    )
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
    names = [key["k"] for key in fresh_keys("room", lone("k", clubs), rng, registry)]
    rooms = [key["k"] for key in fresh_keys("door", lone("k", codes(3)), rng, registry)][:4]
    words = rng.sample(en.ANIMALS, 4)
    meets = tuple(
        Show("sign", f"{club}|meets in room {room}".upper())
        for club, room in zip(names, rooms, strict=False)
    )
    doors = tuple(
        Show("sign", f"room {room}|door code {word}".upper())
        for room, word in zip(rooms, words, strict=True)
    )
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
    cities = [key["k"] for key in fresh_keys("ferry", lone("k", some(en.CITIES)), rng, registry)]
    start = rng.randrange(7 * 12, 18 * 12) * 5
    # A Golomb-like set: its six differences differ, so that one of them is one pair only.
    times = [start + 5 * step for step in rng.choice([(0, 1, 4, 6), (0, 2, 5, 6), (0, 2, 7, 8)])]
    signs = tuple(
        Show("sign", f"ferry to {city}|departs {t // 60:02d}:{t % 60:02d}".upper())
        for city, t in zip(cities, times, strict=False)
    )
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
    maker = grid("who", some(en.FIRST_NAMES), "where", some(en.MEETING_PLACES))
    keys = fresh_keys("bought", maker, rng, registry)
    buyers, absent = rng.sample(keys[:4], 2), keys[4]
    items = rng.sample(en.ITEMS, 4)
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
