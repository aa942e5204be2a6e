"""A family of facts: what is shown, drawn so that only one thing in the video settles a question.

Four facts of a family are shown and one of them is asked about, or a fifth that is not shown. A
fact is a value on a sign, a row of a table, a line that is said, or a chain of two of these that
share a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal, NamedTuple

from videoseal.core.span import Span

__all__ = [
    "Draft",
    "Exhausted",
    "Family",
    "Fields",
    "KeyMaker",
    "Language",
    "Puzzle",
    "Registry",
    "Show",
    "ShowKind",
    "ValueMaker",
    "build",
    "grid",
    "lone",
]

Language = Literal["en", "zh"]
ShowKind = Literal["sign", "table", "subtitle", "clock"]
Fields = Mapping[str, str]
ValueMaker = Callable[[Random, int], list[str]]
"""Draws so many values that are almost each other."""
KeyMaker = Callable[[Random], list[dict[str, str]]]

_SHOWN: Final = 4
_TRIES: Final = 60


class Exhausted(Exception):
    """A family has no unused keys left for this video."""


@dataclass(frozen=True, slots=True, eq=False)
class Show:
    """One thing to be shown once; compared by identity, since texts may look alike."""

    kind: ShowKind
    text: str
    """`|` marks where a sign may break its line; a table's rows are lines, its columns tabs."""
    language: Literal["en", "zh", "both", ""] = "en"
    board: str = ""
    """Colour of the board; free when empty."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A question before it is put in words; options in any order."""

    family: str
    """Whose phrasings it is asked in."""
    fields: Fields
    """What a phrasing's names in braces stand for."""
    options: tuple[str, ...]
    values: tuple[str, ...]
    """What an answer in prose must say for each option."""
    answer: int | None
    """Index of the right option; None when the video has no answer."""
    types: tuple[str, ...]
    evidence: Literal["text", "visual"] = "text"
    gold: tuple[Span, ...] = ()
    """When what carries the answer is shown, one or two hops; known once it is placed."""


class Puzzle(NamedTuple):
    """A question, and what must be shown for it."""

    draft: Draft
    shows: tuple[Show, ...]
    proof: tuple[Show, ...]
    """The shows that carry the answer; empty when there is none."""


@dataclass(slots=True)
class Registry:
    """Which keys are spoken for, so that every fact of a video is told once and never denied."""

    used: set[tuple[str, str]] = field(default_factory=set)

    def fresh(self, family: str, keys: KeyMaker, rng: Random) -> list[dict[str, str]]:
        """Keys that `family` has not used in this video; Exhausted when the pool is empty."""
        for _ in range(_TRIES):
            found = keys(rng)
            names = {(family, "|".join(key.values())) for key in found}
            if len(names) == len(found) and not names & self.used:
                self.used |= names
                return found
        raise Exhausted(family)


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of fact; in templates `{v}` stands for the value, other fields for the key."""

    name: str
    show: Sequence[tuple[str, str]]
    """`sign`, `board`, `table` or `subtitle`, with its template; two of them make a chain."""
    keys: KeyMaker
    """Gives five near-miss keys, shuffled; the last is the absent one."""
    values: ValueMaker
    beside: KeyMaker | None = None
    """What else each fact shows: the name that links a chain, or a table's other column."""
    headings: Sequence[str] = ()
    """What may stand over a table."""
    types: Sequence[str] = ("key information retrieval",)
    language: Language = "en"
    option: str = "{v}"

    @property
    def kind(self) -> str:
        """What it is asked for as: `chain`, or that of its only template."""
        return "chain" if len(self.show) > 1 else self.show[0][0]

    def draw(self, rng: Random, registry: Registry) -> list[dict[str, str]]:
        """The fields of five facts, values and all but the last one's to be shown."""
        facts = registry.fresh(self.name, self.keys, rng)
        if self.beside:
            beside = registry.fresh(f"{self.name} beside", self.beside, rng)
            facts = [fact | more for fact, more in zip(facts, beside, strict=True)]
        while True:
            values = self.values(rng, len(facts))
            # None names its own key: nobody gives a present to herself.
            if all(v not in fact.values() for fact, v in zip(facts, values, strict=True)):
                return [fact | {"v": v} for fact, v in zip(facts, values, strict=True)]

    def tell(self, facts: Sequence[Fields], rng: Random) -> list[tuple[Show, ...]]:
        """For each fact the shows that state it; the rows of a table share one."""
        if self.kind == "table":
            [(_, form)] = self.show
            head = rng.choice(self.headings)
            text = "\n".join([head, *(form.format(**fact).replace("|", "\t") for fact in facts)])
            shown = Show("table", self._cased(text, rng), self.language)
            return [(shown,)] * len(facts)
        return [
            tuple(self._show(kind, form, fact, rng) for kind, form in self.show) for fact in facts
        ]

    def signs(self, rng: Random, registry: Registry) -> list[Show]:
        """Five signs with five values, the last of which is not to be shown."""
        return [show for (show,) in self.tell(self.draw(rng, registry), rng)]

    def _show(self, kind: str, form: str, fact: Fields, rng: Random) -> Show:
        text = form.format(**fact)
        if kind == "subtitle":
            return Show("subtitle", text, self.language)
        board = fact["v"] if kind == "board" else ""
        return Show("sign", self._cased(text, rng), self.language, board=board)

    def _cased(self, text: str, rng: Random) -> str:
        """English in capitals more often than not."""
        return text.upper() if self.language == "en" and rng.random() < 0.7 else text


def lone(name: str, values: ValueMaker) -> KeyMaker:
    """Keys of one field, drawn like near-miss values."""
    return lambda rng: [{name: value} for value in values(rng, _SHOWN + 1)]


def grid(*fields: tuple[str, ValueMaker]) -> KeyMaker:
    """Keys of two fields out of a 3 x 2 grid: neighbours share one field with each other.

    Both fields of the absent key are shown, only never together.
    """
    (first, firsts), (second, seconds) = fields

    def make(rng: Random) -> list[dict[str, str]]:
        rows, columns = firsts(rng, 3), seconds(rng, 2)
        cells = [(row, column) for row in rows for column in columns]
        rng.shuffle(cells)
        absent = cells.pop()
        drop = next(i for i, (row, _) in enumerate(cells) if row != absent[0])
        del cells[drop]
        return [{first: row, second: column} for row, column in [*cells, absent]]

    return make


def build(family: Family, rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    """Four facts of `family`, and a question about one of them or about a fifth never shown."""
    *shown, absent = family.draw(rng, registry)
    told = family.tell(shown, rng)
    gold = rng.randrange(_SHOWN)
    values = tuple(fact["v"] for fact in shown)
    draft = Draft(
        family=family.name,
        fields=shown[gold] if answerable else absent,
        options=tuple(family.option.format(v=value) for value in values),
        values=values,
        answer=gold if answerable else None,
        types=tuple(family.types),
        evidence="visual" if family.kind == "board" else "text",
    )
    shows = tuple(dict.fromkeys(show for each in told for show in each))
    return Puzzle(draft, shows, told[gold] if answerable else ())
