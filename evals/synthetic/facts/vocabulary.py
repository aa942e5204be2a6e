"""The words and families of a language, read from `en.yaml` and `zh.yaml` beside this file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from videoseal.evals.synthetic.facts.families import Family, KeyMaker, Language, grid, lone
from videoseal.evals.synthetic.facts.near_misses import MAKERS, ValueMaker, mixed, some

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

    def maker(self, name: str) -> ValueMaker:
        """Draws from a mix, from words, or what a maker makes, such as `codes 3`."""
        head, *rest = name.split()
        if rest:
            given = [int(word) if word.isdigit() else self._words[word] for word in rest]
            return MAKERS[head](*given)  # type: ignore[no-any-return]
        if head in self._tables["mixes"]:
            return self._mix(**self._tables["mixes"][head])
        return MAKERS.get(head) or some(self._words[head])

    def line(self, kind: str, rng: Random, **given: str) -> str:
        """A line that settles no question, such as of `small_talk`; its fields filled in."""
        rows = self._tables[kind]
        fields = {field: rng.choice(self._words[pool]) for field, pool in rows["fields"].items()}
        if people := rows.get("people"):
            fields["who"], fields["other"] = rng.sample(self._words[people], 2)
        line: str = rng.choice(rows["lines"])
        return line.format(**fields, n=rng.randrange(2, 90), **given)

    def two_lines(self, rng: Random) -> tuple[str, str]:
        """A line in English and the same in this language."""
        rows = self._tables["both"]
        who, n = rng.choice(list(rows["names"])), rng.randrange(2, 90)
        above, below = rng.choice(rows["lines"])
        return above.format(who=who, n=n), below.format(who=rows["names"][who], n=n)

    def _mix(self, form: str, *, capitals: bool = False, **parts: tuple[str, int]) -> ValueMaker:
        makers = {part: (self.maker(what), size) for part, (what, size) in parts.items()}
        return mixed(form, makers, capitals=capitals)

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
            name, show, self._keys(keys), self.maker(values), language=self._language,
            beside=self._keys(beside) if beside else None, **row,
        )  # fmt: skip

    def _keys(self, fields: dict[str, str]) -> KeyMaker:
        makers = [(field, self.maker(what)) for field, what in fields.items()]
        return lone(*makers[0]) if len(makers) == 1 else grid(*makers)
