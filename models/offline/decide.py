"""From passages that were read to a decision: settled, ambiguous, partial, or nothing there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from videoseal.models.offline.clues import AskedFor, Clue, read_question
from videoseal.models.offline.derive import chained, differing, listed
from videoseal.models.offline.layout import Passage
from videoseal.models.offline.match import (
    Reading,
    Support,
    enough,
    missing,
    options_in,
    qualified,
    read,
    supports,
)
from videoseal.models.offline.timing import in_order, in_time
from videoseal.models.offline.words import is_content
from videoseal.models.types import Question

__all__ = ["Decision", "decide", "guess"]


class Decision(NamedTuple):
    """What the passages say to the question."""

    option: int | None
    """Index of the only option that is carried; None when none or several are."""
    answer: str
    """The option's text, or the line that answers an open question; empty when unsettled."""
    carriers: tuple[Passage, ...]
    """What carries it; all of them are needed for a chain."""
    rivals: tuple[int, ...]
    """Options that are carried just as well, when more than one is."""
    relevant: tuple[Reading, ...]
    """What speaks of the question's matter at all, best first."""
    lacking: tuple[Clue, ...]
    """Clues that stand nowhere."""

    @property
    def settled(self) -> bool:
        """Whether there is an answer."""
        return bool(self.answer)


def decide(question: Question, passages: Sequence[Passage]) -> Decision:
    """Judge everything that was read together; pure, and the same for the same input."""
    asked = read_question(question)
    scenes: dict[float, str] = {}
    for passage in passages:
        if passage.reach == 0:
            scenes[passage.time] = f"{scenes.get(passage.time, '')} {passage.text}"
    readings = [read(asked, passage, scenes.get(passage.time, "")) for passage in passages]
    relevant = _relevant(asked, readings)
    lacking = tuple(missing(asked, {clue for item in relevant for clue in item.places}))
    nothing = Decision(None, "", (), (), relevant, lacking)
    if not asked.decidable:
        return nothing
    if not question.options:
        return _open_answer(asked, readings, nothing)
    ways: tuple[Callable[[], dict[int, tuple[Passage, ...]]], ...] = (
        lambda: _direct(asked, readings),
        lambda: in_time(question, asked, readings),
        lambda: in_order(question, asked, readings),
        lambda: chained(asked, relevant),
        lambda: differing(question, asked, readings),
        lambda: listed(question, passages),
    )
    for way in ways:
        carried = way()
        if len(carried) == 1:
            ((option, carriers),) = carried.items()
            return nothing._replace(
                option=option, answer=question.options[option], carriers=carriers
            )
        if carried:
            return nothing._replace(rivals=tuple(sorted(carried)))
    return nothing


def _relevant(asked: AskedFor, readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Passages with a clue or an option in them, the fullest and narrowest first."""
    scored: list[tuple[float, int, float, Reading]] = []
    for reading in readings:
        score = sum(0.3 if c.light else 2.0 if c.hard else 1.0 for c in reading.places)
        score += 0.5 * bool(options_in(asked, reading))
        if score >= _LEAST:
            scored.append((-score, reading.passage.reach, reading.passage.time, reading))
    return tuple(reading for *_, reading in sorted(scored, key=lambda item: item[:3]))


_LEAST: Final = 0.5
_VOTES: Final = 3
"""How many frames of one reading outvote a frame of another."""


def _direct(asked: AskedFor, readings: Iterable[Reading]) -> dict[int, tuple[Passage, ...]]:
    """Options that single passages carry, of the tightest kind that there is."""
    held = [support for reading in readings for support in supports(asked, reading)]
    if not held:
        return {}
    reach = min(support.reading.passage.reach for support in held)
    held = [support for support in held if support.reading.passage.reach == reach]
    if len({support.option for support in held}) > 1:
        best = min(support.strangers for support in held)
        held = [support for support in held if support.strangers == best]
    return _outvoted(_by_option(held))


def _outvoted(found: dict[int, tuple[Passage, ...]]) -> dict[int, tuple[Passage, ...]]:
    """Without what was read in few frames only: a misreading does not last."""
    frames = {option: len({p.time for p in held}) for option, held in found.items()}
    most = max(frames.values(), default=0)
    return {option: held for option, held in found.items() if _VOTES * frames[option] > most}


def _by_option(held: Iterable[Support]) -> dict[int, tuple[Passage, ...]]:
    found: dict[int, tuple[Passage, ...]] = {}
    for support in held:
        found[support.option] = (*found.get(support.option, ()), support.reading.passage)
    return found


def _open_answer(asked: AskedFor, readings: Iterable[Reading], nothing: Decision) -> Decision:
    """The narrowest passage that holds the question's words and something more."""
    held: list[tuple[int, str, Passage]] = []
    for reading in readings:
        rest = [
            token
            for at, token in enumerate(reading.flat)
            if at not in reading.used and is_content(token)
        ]
        known = enough(asked, reading.places, strangers=1) and not qualified(asked, reading)
        if rest and known:
            held.append((reading.passage.reach, reading.passage.text, reading.passage))
    if not held:
        return nothing
    reach = min(item[0] for item in held)
    tight = [item for item in held if item[0] == reach]
    if len({text for _, text, _ in tight}) > 1:
        return nothing
    carriers = tuple(passage for *_, passage in tight)
    return nothing._replace(answer=tight[0][1], carriers=carriers)


def guess(question: Question, passages: Sequence[Passage]) -> int | None:
    """The option that the text speaks for most; by a hash of the question where none stands out.

    None for an open question.
    """
    if not question.options:
        return None
    asked = read_question(question)
    scores = [0.0] * len(question.options)
    for passage in passages:
        reading = read(asked, passage)
        for option in options_in(asked, reading):
            weight = sum(2.0 if clue.hard else 1.0 for clue in reading.places)
            scores[option] = max(scores[option], 1.0 + weight - 0.1 * passage.reach)
    best = [number for number, score in enumerate(scores) if score == max(scores)]
    digest = hashlib.blake2b(question.render().encode("utf-8", "replace"), digest_size=4).digest()
    return best[int.from_bytes(digest, "little") % len(best)]
