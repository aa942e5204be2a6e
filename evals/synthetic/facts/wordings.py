"""The words and wordings of a language, read from `en.yaml` and `zh.yaml` beside this file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from videoseal.evals.synthetic.facts.families import Family, grid, lone
from videoseal.evals.synthetic.facts.near_misses import MAKERS, ValueMaker, mixed, some
from videoseal.evals.synthetic.facts.puzzles import Language, ShowKind

__all__ = ["Wordings", "wordings"]


@cache
def wordings(language: Language) -> Wordings:
    """Those of a language; read once."""
    file = Path(__file__).with_name(f"{language}.yaml")
    return Wordings(language, yaml.safe_load(file.read_text("utf-8")))


class Wordings:
    """What can be shown, said and asked in one language."""

    def __init__(self, language: Language, tables: dict[str, Any]) -> None:
        self._language, self._mixes = language, tables["mixes"]
        self.words: dict[str, list[str]] = tables["words"]
        self.small_talk: dict[str, Any] = tables["small_talk"]
        """Lines that settle no question, and of which words their fields are."""
        self.both: dict[str, Any] = tables.get("both", {})
        """The same for two languages at once."""
        self.period: str = tables["period"]
        """Asks when a sign is shown."""
        self.signs = self._families("sign", tables["signs"])
        self.talk = self._families("subtitle", tables["talk"])

    def maker(self, name: str) -> ValueMaker:
        """Draws from a mix, from words, or what a maker makes, such as `codes 3`."""
        head, *rest = name.split()
        if rest:
            given = [int(word) if word.isdigit() else self.words[word] for word in rest]
            return MAKERS[head](*given)  # type: ignore[no-any-return]
        if head in self._mixes:
            return self._mix(**self._mixes[head])
        return MAKERS.get(head) or some(self.words[head])

    def _mix(self, form: str, *, capitals: bool = False, **parts: tuple[str, int]) -> ValueMaker:
        makers = {part: (self.maker(what), size) for part, (what, size) in parts.items()}
        return mixed(form, makers, capitals=capitals)

    def _families(self, kind: ShowKind, rows: dict[str, dict[str, Any]]) -> tuple[Family, ...]:
        return tuple(self._family(name, kind, **row) for name, row in rows.items())

    def _family(
        self, name: str, kind: ShowKind, keys: dict[str, str], values: str, **row: Any
    ) -> Family:
        fields = [(field, self.maker(what)) for field, what in keys.items()]
        maker = lone(*fields[0]) if len(fields) == 1 else grid(*fields)
        return Family(
            name, kind, keys=maker, values=self.maker(values), language=self._language, **row
        )
