"""Whether text that was read carries the answer.

A place carries an option when the question's names, numbers and rare words stand with it in one
row, under one head of a table, or in one small notice, and nothing there speaks for another
reading. It is string matching without any knowledge of meaning; in doubt nothing is carried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, permutations
from math import fsum
from typing import Final, NamedTuple

from videoseal.models.offline.moment import named_moment
from videoseal.models.offline.passages import Passage
from videoseal.models.offline.rarity import Clue, Word, clues_of, content, rare, words
from videoseal.models.types import Question

__all__ = ["Decision", "bridge", "decide", "guess", "relevance"]

_ENOUGH: Final = 0.4
"""Share of the question's weight that must stand there."""
_PASSING: Final = 1.7
"""What all words weigh at most that are missing beside the answer to an open question."""
_MOST_PAIRED: Final = 40
_DENIALS: Final = frozenset(("not", "never", "cannot", "不", "没", "未"))
_LETTER: Final = re.compile(r"^\(?[A-Z][.):]\s+")


class Decision(NamedTuple):
    """What the passages say to the question."""

    answer: str
    """The option's text, or what answers an open question; empty when unsettled."""
    option: int | None
    """Index of the only option that is carried."""
    carriers: tuple[Passage, ...]
    rivals: bool
    """Whether several are carried alike."""
    relevant: tuple[Passage, ...]
    """What speaks of the question's matter at all, best first."""
    lacking: tuple[str, ...]
    """What the question names and nothing shows."""


class _Asked:
    """A question, taken apart."""

    def __init__(self, question: Question) -> None:
        self.clues = clues_of(question.text)
        self.weight = max(0.1, fsum(clue.weight for clue in self.clues))
        lettered = all(_LETTER.match(option) for option in question.options)
        texts = [_LETTER.sub("", text) if lettered else text for text in question.options]
        self.options = [[word.form for word in words(text)] for text in texts]
        solid = [[word.form for word in words(text) if content(word)] for text in texts]
        shared = set(solid[0]).intersection(*solid[1:]) if len(solid) > 1 else set()
        self.telling = [[form for form in forms if form not in shared] for forms in solid]
        """What sets each option apart: its content words, less those that all options share."""
        # What they all share, such as a unit, the question need not find.
        self.clues = [clue._replace(hard=clue.hard and not shared.issuperset(clue.forms))
                      for clue in self.clues]  # fmt: skip
        cut = (word.raw.casefold() for text in (question.text, *texts) for word in words(text))
        self.known = frozenset(cut)

    def share(self, have: Iterable[Clue]) -> float:
        """How much of the question's weight these are."""
        return fsum(clue.weight for clue in have) / self.weight

    def marked(self, found: Sequence[Word]) -> dict[Clue, frozenset[int]]:
        """Where the clues stand among those words."""
        places = {clue: _find(clue.forms, found) for clue in self.clues}
        return {clue: held for clue, held in places.items() if held}


class _Reading:
    """A passage as words, with what the question names marked in it."""

    def __init__(self, asked: _Asked, passage: Passage) -> None:
        self.asked, self.passage = asked, passage
        cells = [((at, column), cell) for at, row in enumerate(passage.rows)
                 for column, cell in enumerate(row)]  # fmt: skip
        cut = [(at, word) for at, cell in cells for word in words(cell, asked.known)]
        self.cells = [at for at, _ in cut]
        """Row and column of every word."""
        self.words = [word for _, word in cut]
        self.places = asked.marked(self.words)
        self.used = frozenset[int]().union(*self.places.values())
        self.heads = [asked.marked(words(head)) for head in passage.heads]
        self.title = asked.marked(words(passage.title))
        solid = [at for at, word in enumerate(self.words) if content(word)]
        kept = [self.words[at] for at in solid]
        found = {n: _find(option, self.words) for n, option in enumerate(asked.options)}
        for n, told in enumerate(asked.telling):
            found[n] = found[n] or frozenset(solid[at] for at in _find(told, kept))
        if not asked.options:
            rest = frozenset(solid) - self.used
            found = {-1: rest} if len({self.cells[at] for at in rest}) == 1 else {}
        # `Gate 7` stands wherever `Gate 7 North` does: the longer one is meant.
        self.options = {
            n: places
            for n, places in found.items()
            if places - self.used and not any(places < other for other in found.values())
        }
        """Where options stand apart from the clues; the value of an open question is -1."""

    def near(self, cell: tuple[int, int]) -> frozenset[Clue]:
        """Clues of the rows and over that cell."""
        return frozenset(self.places) | (self.heads[cell[1]].keys() if self.heads else frozenset())


class _Claim:
    """An option, or what may answer an open question, where it stands."""

    def __init__(self, here: _Reading, option: int, question: Question) -> None:
        self.here, self.option, self.places = here, option, here.options[option]
        row, column = here.cells[min(self.places)]
        # OCR drops spaces: PLATFORM8 is an 8.
        cell = re.sub(r"(?<=[^\W\d_]{3})(?=\d)", " ", here.passage.rows[row][column])
        self.answer = question.options[option] if option >= 0 else cell
        self.near = here.near((row, column))
        self.lacking = frozenset(here.asked.clues) - self.near - here.title.keys()

    def holds(self, readings: Sequence[_Reading]) -> bool:
        """Whether enough of the question stands there, and nothing speaks against it."""
        here, lacking = self.here, self.lacking
        # What is said of a thing goes with it: an OLD MILL is not just any mill.
        things = {form for clue in self.near if clue.raw.islower() for form in clue.forms}
        if not here.places or any(clue.hard or clue.leads in things for clue in lacking):
            return False
        # Nothing tells what kind of value is wanted where there are no options.
        passing = self.option >= 0 or fsum(clue.weight for clue in lacking) <= _PASSING
        told = passing and here.asked.share({*here.asked.clues} - lacking) >= _ENOUGH
        return told and not self._doubtful(self._frame(readings)) and not self._bettered(readings)

    def _frame(self, readings: Sequence[_Reading]) -> frozenset[str]:
        """Common words beside two things of the question that a text about others has as well.

        They say how facts of a kind are told, and a question may say it in other words; but not
        where it names something more, which another text has.
        """
        here, near = self.here, self.near
        things = sum(stands for stands, _ in groupby(clue in near for clue in here.asked.clues))
        beside = (word for at, word in enumerate(here.words) if at not in self.places | here.used)
        frame = frozenset(word.form for word in beside if content(word) and not rare(word))
        others = [reading for reading in readings if not near <= reading.places.keys()]
        told = any(frame <= {word.form for word in other.words} for other in others)
        more = any(other.options and self.lacking & other.places.keys() for other in others)
        return frame if things > 1 and told and not more else frozenset()

    def _doubtful(self, frame: frozenset[str]) -> bool:
        """Whether something beside the option speaks for another reading."""
        here, places = self.here, self.places
        cells = {here.cells[at] for at in places | here.used}
        values = {_shape(here.words[at].raw) for at in places} - {""}
        others = frozenset[int]().union(*here.options.values())
        # Without a name, another word beside those of the question makes it another thing.
        vague = bool(self.lacking) or not any(clue.hard for clue in here.asked.clues)
        plain = self.near == here.places.keys()
        if self.lacking and here.passage.heads and plain:
            return True
        for at, word in enumerate(here.words):
            if at not in places and word.raw.casefold() in _DENIALS:
                return True
            if at in places | here.used or not content(word):
                continue
            if here.cells[at][0] not in {here.cells[place][0] for place in places}:
                return True
            # A second time, price or count in the row may be the one that is asked for.
            rival = plain and _shape(word.raw) in values
            strange = word.form not in frame and not word.raw[0].isdigit()
            if at not in others and (rival or (vague and strange and here.cells[at] in cells)):
                return True
        return False

    def _bettered(self, readings: Sequence[_Reading]) -> bool:
        """Whether the same picture has what is lacking here, or more, in another place."""
        passage, rows = self.here.passage, set(self.here.passage.rows)
        return any(
            any(self.near < other.near(cell) for cell in other.cells)
            or (self.lacking & other.places.keys() and rows.isdisjoint(other.passage.rows))
            for other in readings
            if other.passage.time == passage.time
        )


def decide(question: Question, found: Sequence[Passage]) -> Decision:
    """Judge everything that was read together; pure, and the same for the same input."""
    question, found = _at_its_moment(question, found)
    asked = _Asked(question)
    readings = [_Reading(asked, passage) for passage in found]
    claims = [_Claim(here, option, question) for here in readings for option in here.options]
    held = [claim for claim in claims if claim.holds(readings)]
    held = [one for one in held if not any(one.near < other.near for other in held)]
    rivals = len({one.answer for one in held}) > 1
    held = [] if rivals else held
    best = _ranked(readings)
    seen = {clue for reading in best for clue in reading.places}
    return Decision(
        answer=held[0].answer if held else "",
        option=held[0].option if held and held[0].option >= 0 else None,
        carriers=tuple(one.here.passage for one in held),
        rivals=rivals,
        relevant=tuple(reading.passage for reading in best),
        lacking=tuple(clue.raw for clue in asked.clues if clue not in seen),
    )


def bridge(question: Question, found: Sequence[Passage]) -> Decision:
    """Join two places that share a name which the question lacks, and judge them as one."""
    asked = _Asked(question)
    readings = _ranked(_Reading(asked, passage) for passage in found)[:_MOST_PAIRED]
    settled: dict[str, Decision] = {}
    for one, two in permutations(readings, 2):
        halves = one.places.keys() - two.places.keys() and two.places.keys() - one.places.keys()
        apart = not set(one.passage.rows) & set(two.passage.rows)
        for name in _names_in(one) if halves and apart and two.options and not one.options else ():
            if _find([word.form for word in words(name)], two.words):
                both = one.passage._replace(rows=one.passage.rows + two.passage.rows)
                linked = question.model_copy(update={"text": f'{question.text} "{name}"'})
                told = decide(linked, [both])._replace(carriers=(one.passage, two.passage))
                settled.setdefault(told.answer, told)
    settled.pop("", None)
    if len(settled) == 1:
        return settled.popitem()[1]
    return decide(question, found)._replace(rivals=len(settled) > 1)


def guess(question: Question, found: Iterable[Passage]) -> int | None:
    """The option that the text speaks for most; by chance, the same each time, where none does.

    None for an open question.
    """
    asked, scores = _Asked(question), [0.0] * len(question.options)
    for reading in (_Reading(asked, passage) for passage in found):
        for option in reading.options if scores else ():
            scores[option] = max(scores[option], 0.1 + asked.share(reading.places))
    best = [number for number, score in enumerate(scores) if score == max(scores)]
    return best[sum(map(ord, question.render())) % len(best)] if best else None


def relevance(question: Question, text: str) -> float:
    """How much of the question's weight stands in a text, and a little for any option in it."""
    reading = _Reading(_Asked(question), Passage(0.0, ((text,),)))
    return reading.asked.share(reading.places) + 0.2 * bool(reading.options)


def _at_its_moment(
    question: Question, found: Sequence[Passage]
) -> tuple[Question, Sequence[Passage]]:
    """A time that nobody reads on the screen is one of the video: only its frames count."""
    moment = named_moment(question.text)
    if moment is None or any(moment.raw in passage.text for passage in found):
        return question, found
    text = question.text.replace(moment.raw, " ").strip() or question.text
    return question.model_copy(update={"text": text}), [
        passage for passage in found if moment.span.contains(passage.time)
    ]


def _find(wanted: Sequence[str], found: Sequence[Word]) -> frozenset[int]:
    """Positions of every run of words that equals `wanted`."""
    forms, size = [word.form for word in found], len(wanted)
    starts = [at for at in range(len(forms)) if size and forms[at : at + size] == [*wanted]]
    return frozenset(at + step for at in starts for step in range(size))


def _ranked(readings: Iterable[_Reading]) -> list[_Reading]:
    """Those with a clue or an option in them, each text once, the fullest and narrowest first."""
    once = {reading.passage.text: reading for reading in reversed([*readings])}
    told = [reading for reading in once.values() if reading.places or reading.options]
    told.sort(key=lambda r: (len(r.passage.rows), r.passage.time))
    return sorted(told, key=lambda r: -r.asked.share(r.places) - 0.1 * bool(r.options))


def _names_in(reading: _Reading) -> list[str]:
    """Names and numbers that the question does not have, words side by side."""
    free = [at not in reading.used and content(word) for at, word in enumerate(reading.words)]
    names = [
        word.raw if alone and not word.raw[0].islower() and len(word.raw) > 1 else "|"
        for alone, word in zip(free, reading.words, strict=True)
    ]
    return [name.strip() for name in " ".join(names).split("|") if name.strip()]


def _shape(raw: str) -> str:
    """`9:9` for a time, `9.9` for a price, empty for a word."""
    return re.sub(r"\d+", "9", raw) if raw[0].isdigit() else ""
