"""What is said and shown between the facts: same people and places, other verbs."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from videoseal.evals.synthetic.facts.wordings import Wordings, wordings

__all__ = ["Small", "small_sign", "small_talk", "title"]


class Small(NamedTuple):
    """One cue: its lines, English above Chinese when both."""

    lines: tuple[str, ...]
    speaker: str


def small_talk(rng: Random, mode: str) -> Small:
    """One cue of talk that settles no question; `mode` is `en`, `zh` or `both`."""
    if mode == "both":
        lines: tuple[str, ...] = _two_lines(rng)
    else:
        lines = (_line(rng, wordings("en" if mode == "en" else "zh")),)
    head, mark, _ = lines[0].replace("：", ":").partition(":")
    return Small(lines, head if mark else "")


def _line(rng: Random, known: Wordings) -> str:
    talk, words = known.small_talk, known.words
    who, other = rng.sample(words[talk["people"]], 2)
    line: str = rng.choice(talk["lines"])
    fields = {field: rng.choice(words[pool]) for field, pool in talk["fields"].items()}
    return line.format(who=who, other=other, **fields, n=rng.randrange(2, 60))


def _two_lines(rng: Random) -> tuple[str, str]:
    talk = wordings("zh").both
    who, n = rng.choice(list(talk["names"])), rng.randrange(2, 90)
    above, below = rng.choice(talk["lines"])
    return above.format(who=who, n=n), below.format(who=talk["names"][who], n=n)


def small_sign(rng: Random) -> str:
    """The words of a board that no question is about; `|` marks where its line may break."""
    words = wordings("en").words
    name, city = rng.choice(words["last_names"]), rng.choice(words["cities"])
    n = rng.randrange(2, 99)
    text = rng.choice(
        (
            f"{n} {rng.choice(words['streets'])} STREET",
            f"{name} {rng.choice(words['trades'])}|SINCE {rng.randrange(1860, 2015)}",
            f"{city} {n} KM",
            f"{rng.choice(words['animals'])} INN|{rng.randrange(3, 40)} ROOMS",
            f"SALE|{rng.choice(words['goods'])} {rng.randrange(2, 18) * 5} PERCENT OFF",
            f"EXIT {n}|{city} {rng.choice(('NORTH', 'SOUTH', 'EAST', 'WEST'))}",
            f"NO PARKING|ROW {n}",
        )
    )
    return text.upper()


def title(rng: Random, part: int) -> str:
    """The words of the title of part `part`."""
    words = wordings("en").words
    adjective, noun = rng.choice(words["title_adjectives"]), rng.choice(words["title_nouns"])
    return f"PART {part}|THE {adjective} {noun}"
