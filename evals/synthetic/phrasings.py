"""Ways to ask for each kind of fact: rows of `wordings.yaml`, `wordings_unseen.yaml`, or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from string import Formatter
from typing import Final, Literal, NamedTuple

import yaml
from pydantic import TypeAdapter, ValidationError

from videoseal.core.errors import SettingsError, first_fault

__all__ = ["Phrasing", "Wording", "Wordings", "deal", "plain_wordings", "shipped_wordings",
           "with_wordings"]  # fmt: skip

Wording = Literal["seen", "unseen", "given"]
"""Whether who made what is measured had seen it; `given` in a file."""
_Row = str | dict[Literal["open"], str]

_UNSEEN_SHARE: Final = 3
"""One question of so many is asked in unseen words."""
_ROWS: Final = TypeAdapter(dict[str, list[_Row]])


class Phrasing(NamedTuple):
    """One way to ask for a kind of fact."""

    text: str
    """With the names of the family's key in braces."""
    open: bool
    """Whether it is asked without options."""
    wording: Wording


Wordings = Mapping[str, Sequence[Phrasing]]
"""By family."""


def shipped_wordings() -> dict[str, list[Phrasing]]:
    """All phrasings that come with the program; the first of each family is the plain one."""
    seen, unseen = (_read(Path(__file__).with_name(name)) for name in
                    ("wordings.yaml", "wordings_unseen.yaml"))  # fmt: skip
    return {
        family: _phrasings(rows, "seen") + _phrasings(unseen[family], "unseen")
        for family, rows in seen.items()
    }


def plain_wordings() -> Wordings:
    """One phrasing a family, in the words of the signs themselves."""
    return {family: rows[:1] for family, rows in shipped_wordings().items()}


def with_wordings(path: Path) -> Wordings:
    """The shipped phrasings, but those of a file where it has any of a family.

    SettingsError names what is wrong with a row.
    """
    known, given = shipped_wordings(), _read(path)
    for family, rows in given.items():
        if family not in known:
            raise SettingsError(
                f"{path.name}: no family is called {family!r}", hint=f"known: {', '.join(known)}"
            )
        found, needed = _phrasings(rows, "given"), _fields(known[family][0].text)
        for phrasing in found:
            if _fields(phrasing.text) != needed:
                raise SettingsError(
                    f"{path.name}: {family}: {phrasing.text!r} must name"
                    f" {' and '.join(f'{{{name}}}' for name in sorted(needed))}, and nothing else"
                )
        if found:
            known[family] = found
    return known


def deal(wordings: Wordings, families: Sequence[str], rng: Random) -> list[Phrasing]:
    """A phrasing for each of the questions about these families, a third of them unseen ones."""
    deck = [number % _UNSEEN_SHARE == 0 for number in range(len(families))]
    rng.shuffle(deck)
    dealt = []
    for family, unseen in zip(families, deck, strict=True):
        rows = wordings[family]
        dealt.append(rng.choice([r for r in rows if (r.wording == "unseen") == unseen] or rows))
    return dealt


def _read(path: Path) -> dict[str, list[_Row]]:
    try:
        return _ROWS.validate_python(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"cannot read wordings from {path}: {error}") from None
    except ValidationError as error:
        raise SettingsError(f"{path.name}: {first_fault(error)}") from None


def _phrasings(rows: Sequence[_Row], wording: Wording) -> list[Phrasing]:
    texts = [(row, False) if isinstance(row, str) else (row["open"], True) for row in rows]
    return [Phrasing(text, is_open, wording) for text, is_open in texts]


def _fields(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return set()
