"""Puzzles that cannot be settled by reading: colours, shapes, counts, ways of moving."""

from __future__ import annotations

from random import Random

from videoseal.evals.synthetic.drawing.palette import BOARD_COLOURS, COLOURS, HEADINGS, SHAPES
from videoseal.evals.synthetic.facts.families import Key, KeyMaker, fresh_keys, lone
from videoseal.evals.synthetic.facts.near_misses import numbers
from videoseal.evals.synthetic.facts.puzzles import Look, Period, Puzzle, Registry, Show

__all__ = ["VISUALS", "crossing"]

_PLACES = ("pier", "studio", "kiosk", "ward", "track", "hall", "dock", "stand", "booth", "quay")


def _flyers(count: int) -> KeyMaker:
    """Coloured shapes that share a colour or a shape with each other."""

    def make(rng: Random) -> list[Key]:
        colours, shapes = rng.sample(list(COLOURS), 3), rng.sample(SHAPES, 2)
        cells = [(colour, shape) for colour in colours for shape in shapes]
        return [{"colour": c, "shape": s} for c, s in rng.sample(cells, count)]

    return make


def _flyer(rng: Random, registry: Registry) -> tuple[str, str]:
    """Colour and shape of something that floats about and is asked for nowhere else."""
    [key] = fresh_keys("crossing", _flyers(1), rng, registry)
    return key["colour"], key["shape"]


def _signs(rng: Random, registry: Registry) -> list[str]:
    place = rng.choice(_PLACES)
    keys = fresh_keys(f"visual {place}", lone("k", numbers(2, 99)), rng, registry)
    return [f"{place} {key['k']}".upper() for key in keys]


def _puzzle(
    rng: Random,
    registry: Registry,
    ask: str,
    options: list[str],
    looks: list[Look],
    *,
    answerable: bool,
    types: tuple[str, ...],
) -> Puzzle:
    """Four boards that differ in one thing; `ask` has a place for the board's words."""
    names = _signs(rng, registry)
    shows = tuple(Show("sign", name, look=look) for name, look in zip(names, looks, strict=False))
    gold = rng.randrange(4)
    return Puzzle(
        family="visual",
        question=ask.format(sign=names[gold] if answerable else names[4]),
        options=tuple(options),
        answer=gold if answerable else None,
        shows=shows,
        proof=(shows[gold],) if answerable else (),
        types=types,
        evidence="visual",
    )


def _emblem_colour(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    shape = rng.choice(SHAPES)
    colours = rng.sample([c for c in COLOURS if c != "white"], 4)
    looks = [Look(shape, colour, board="black", emblem=True) for colour in colours]
    ask = f"What colour is the {shape} next to the words {{sign}}?"
    return _puzzle(
        rng, registry, ask, colours, looks, answerable=answerable, types=("entity recognition",)
    )


def _emblem_shape(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    colour = rng.choice([c for c in COLOURS if c != "white"])
    shapes = rng.sample(SHAPES, 4)
    looks = [Look(shape, colour, board="black", emblem=True) for shape in shapes]
    ask = f"Which {colour} shape is painted on the board that reads {{sign}}?"
    return _puzzle(
        rng, registry, ask, shapes, looks, answerable=answerable, types=("entity recognition",)
    )


def _board_colour(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    colours = rng.sample(list(BOARD_COLOURS), 4)
    looks = [Look(board=colour) for colour in colours]
    ask = "What is the background colour of the board that reads {sign}?"
    return _puzzle(
        rng,
        registry,
        ask,
        colours,
        looks,
        answerable=answerable,
        types=("key information retrieval",),
    )


def _count(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    colour, shape = _flyer(rng, registry)
    counts = rng.sample(range(2, 8), 4)
    looks = [Look(shape, colour, count=count) for count in counts]
    ask = f"How many {colour} {shape}s float in the picture while the sign {{sign}} is shown?"
    ask = ask.replace("crosss", "crosses")
    return _puzzle(
        rng,
        registry,
        ask,
        [str(count) for count in counts],
        looks,
        answerable=answerable,
        types=("event understanding",),
    )


def _heading(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    colour, shape = _flyer(rng, registry)
    headings = rng.sample(HEADINGS, 4)
    looks = [Look(shape, colour, heading=heading) for heading in headings]
    ask = f"Which way does the {colour} {shape} move while the sign {{sign}} is shown?"
    return _puzzle(
        rng, registry, ask, headings, looks, answerable=answerable, types=("event understanding",)
    )


def crossing(rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    """When a coloured shape flies through the picture; others fly at other times."""
    keys = fresh_keys("crossing", _flyers(5), rng, registry)
    shows = tuple(
        Show(
            "shape",
            f"{key['colour']} {key['shape']}",
            look=Look(key["shape"], key["colour"], heading=rng.choice(HEADINGS[:2])),
        )
        for key in keys[:4]
    )
    gold = rng.randrange(4)
    asked = keys[gold] if answerable else keys[4]
    return Puzzle(
        family="crossing",
        question=(
            f"During which period does a large {asked['colour']} {asked['shape']} "
            "race through the picture?"
        ),
        options=tuple(Period(show) for show in shows),
        answer=gold if answerable else None,
        shows=shows,
        proof=(shows[gold],) if answerable else (),
        types=("temporal grounding", "event understanding"),
        evidence="visual",
    )


VISUALS = (_emblem_colour, _count, _heading, _board_colour, _emblem_shape)
"""Builders, taken in turn."""
