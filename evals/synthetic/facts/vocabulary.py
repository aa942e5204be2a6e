"""The words and families of a language, read from `en.yaml` and `zh.yaml` beside this file.

Values are drawn in sets that are almost each other and exchangeable: their members are shuffled
before anyone becomes the right answer, so that the closest or the middle one is no better guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from videoseal.evals.synthetic.facts.families import (
    Family,
    KeyMaker,
    Language,
    ValueMaker,
    grid,
    lone,
)

__all__ = ["Vocabulary", "families", "vocabulary"]

_SHOWN: Final = ("subtitle", "sign", "board", "table")


@cache
def vocabulary(language: Language) -> Vocabulary:
    """That of a language; read once."""
    file = Path(__file__).with_name(f"{language}.yaml")
    return Vocabulary(language, yaml.safe_load(file.read_text("utf-8")))


def families() -> dict[str, Family]:
    """Every family of every language by its name."""
    return vocabulary("en").families | vocabulary("zh").families


class Vocabulary:
    """What can be shown and said in one language."""

    def __init__(self, language: Language, tables: dict[str, Any]) -> None:
        self._language, self._tables = language, tables
        self._words: dict[str, list[str]] = tables["words"]
        self.families = {
            name: self._family(name, **row) for name, row in tables["families"].items()
        }

    def line(self, kind: str, rng: Random) -> str:
        """A line that settles no question, such as of `small_talk`; its fields filled in."""
        rows = self._tables[kind]
        fields = {field: rng.choice(self._words[pool]) for field, pool in rows["fields"].items()}
        if people := rows.get("people"):
            fields["who"], fields["other"] = rng.sample(self._words[people], 2)
        line: str = rng.choice(rows["lines"])
        return line.format(**fields, n=rng.randrange(2, 90))

    def two_lines(self, rng: Random) -> tuple[str, str]:
        """A line in English and the same in this language."""
        rows = self._tables["both"]
        who, n = rng.choice(list(rows["names"])), rng.randrange(2, 90)
        above, below = rng.choice(rows["lines"])
        return above.format(who=who, n=n), below.format(who=rows["names"][who], n=n)

    def _family(
        self, name: str, keys: dict[str, str], values: str, beside: dict[str, str] | None = None,
        **row: Any,
    ) -> Family:  # fmt: skip
        given = [(kind, row.pop(kind)) for kind in _SHOWN if kind in row]
        show = [
            (kind, form)
            for kind, forms in given
            for form in ([forms] if isinstance(forms, str) else forms)
        ]
        return Family(
            name, show, self._keys(keys), self._maker(values), language=self._language,
            beside=self._keys(beside) if beside else None, **row,
        )  # fmt: skip

    def _keys(self, fields: dict[str, str]) -> KeyMaker:
        makers = [(field, self._maker(what)) for field, what in fields.items()]
        return lone(*makers[0]) if len(makers) == 1 else grid(*makers)

    def _maker(self, name: str) -> ValueMaker:
        """Draws from a mix, from words, or what a maker makes, such as `codes 3`."""
        head, *rest = name.split()
        if head in _MAKERS:
            return _MAKERS[head](*map(int, rest))
        if head in self._tables["mixes"]:
            return self._mix(**self._tables["mixes"][head])
        return lambda rng, count: rng.sample(self._words[head], count)

    def _mix(self, form: str, *, capitals: bool = False, **parts: tuple[str, int]) -> ValueMaker:
        """Combinations of parts, of which so many are drawn; neighbours share one or the other.

        Where there are just as many as are wanted they stay in order.
        """
        order = re.findall(r"\{(\w+)\}", form)
        makers = {part: (self._maker(what), size) for part, (what, size) in parts.items()}

        def make(rng: Random, count: int) -> list[str]:
            drawn = {part: maker(rng, size) for part, (maker, size) in makers.items()}
            cells = product(*(drawn[part] for part in order))
            pool = [form.format(**dict(zip(order, cell, strict=True))) for cell in cells]
            pool = [text.title() for text in pool] if capitals else pool
            return pool if len(pool) == count else rng.sample(pool, count)

        return make


def _codes(length: int) -> ValueMaker:
    """Numbers of `length` digits, swapped or changed here and there, such as 4821, 4812, 4281."""

    def make(rng: Random, count: int) -> list[str]:
        found = {"".join(map(str, rng.sample(range(1, 10), length)))}
        while len(found) < count:
            text = list(rng.choice(sorted(found)))
            a, b = rng.sample(range(length), 2)
            if rng.random() < 0.6:
                text[a], text[b] = text[b], text[a]
            else:
                text[a] = str(rng.randrange(10))
            if text[0] != "0":
                found.add("".join(text))
        return rng.sample(sorted(found), count)

    return make


def _numbers(low: int, high: int) -> ValueMaker:
    """Whole numbers between `low` and `high`, at most 15 apart."""

    def make(rng: Random, count: int) -> list[str]:
        start = rng.randint(low, max(low, high - 15))
        return [str(n) for n in rng.sample(range(start, min(high, start + 15) + 1), count)]

    return make


_MAKERS: Final[dict[str, Callable[..., ValueMaker]]] = {"codes": _codes, "numbers": _numbers}
