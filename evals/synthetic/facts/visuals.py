"""Puzzles that cannot be settled by reading: colours, shapes, counts, ways of moving."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import NamedTuple

from videoseal.evals.synthetic.drawing.drawn_shapes import BOARD_COLOURS, COLOURS, HEADINGS, SHAPES
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


class _Boards(NamedTuple):
    """Four boards that differ in one thing."""

    ask: str
    """Has a place for a board's words."""
    options: list[str]
    looks: list[Look]
    type: str


def _puzzle(
    make: Callable[[Random, Registry], _Boards], rng: Random, registry: Registry, *,
    answerable: bool,
) -> Puzzle:  # fmt: skip
    """Ask about one of the boards, or about words that stand on none."""
    boards, names = make(rng, registry), _signs(rng, registry)
    pairs = zip(names, boards.looks, strict=False)
    shows = tuple(Show("sign", name, look=look) for name, look in pairs)
    gold = rng.randrange(4)
    return Puzzle(
        family="visual",
        question=boards.ask.format(sign=names[gold] if answerable else names[4]),
        options=tuple(boards.options),
        answer=gold if answerable else None,
        shows=shows,
        proof=(shows[gold],) if answerable else (),
        types=(boards.type,),
        evidence="visual",
    )


def _emblem_colour(rng: Random, _: Registry) -> _Boards:
    shape = rng.choice(SHAPES)
    colours = rng.sample([c for c in COLOURS if c != "white"], 4)
    looks = [Look(shape, colour, board="black", emblem=True) for colour in colours]
    ask = f"What colour is the {shape} next to the words {{sign}}?"
    return _Boards(ask, colours, looks, "entity recognition")


def _emblem_shape(rng: Random, _: Registry) -> _Boards:
    colour = rng.choice([c for c in COLOURS if c != "white"])
    shapes = rng.sample(SHAPES, 4)
    looks = [Look(shape, colour, board="black", emblem=True) for shape in shapes]
    ask = f"Which {colour} shape is painted on the board that reads {{sign}}?"
    return _Boards(ask, shapes, looks, "entity recognition")


def _board_colour(rng: Random, _: Registry) -> _Boards:
    colours = rng.sample(list(BOARD_COLOURS), 4)
    ask = "What is the background colour of the board that reads {sign}?"
    looks = [Look(board=colour) for colour in colours]
    return _Boards(ask, colours, looks, "key information retrieval")


def _count(rng: Random, registry: Registry) -> _Boards:
    colour, shape = _flyer(rng, registry)
    counts = rng.sample(range(2, 8), 4)
    shapes = "crosses" if shape == "cross" else f"{shape}s"
    ask = f"How many {colour} {shapes} float in the picture while the sign {{sign}} is shown?"
    looks = [Look(shape, colour, count=count) for count in counts]
    return _Boards(ask, list(map(str, counts)), looks, "event understanding")


def _heading(rng: Random, registry: Registry) -> _Boards:
    colour, shape = _flyer(rng, registry)
    headings = rng.sample(HEADINGS, 4)
    ask = f"Which way does the {colour} {shape} move while the sign {{sign}} is shown?"
    looks = [Look(shape, colour, heading=heading) for heading in headings]
    return _Boards(ask, headings, looks, "event understanding")


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


VISUALS = tuple(
    partial(_puzzle, make)
    for make in (_emblem_colour, _count, _heading, _board_colour, _emblem_shape)
)
"""Builders, taken in turn."""
