"""Questions before they are put in words: options still in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from videoseal.core.span import Span, format_time
from videoseal.evals.synthetic.facts.families import Decoy, Fields, Puzzle, Show
from videoseal.evals.synthetic.facts.question_mix import Mix
from videoseal.evals.synthetic.truth import Event

__all__ = ["Draft", "clock_range", "make_drafts"]

_SIBLINGS = 4


@dataclass(frozen=True, slots=True)
class Draft:
    """What is asked: options, the index of the right one, and the spans that prove it."""

    family: str
    """Whose phrasings it is asked in."""
    fields: Fields
    """What a phrasing's names in braces stand for."""
    options: tuple[str, ...]
    values: tuple[str, ...]
    """What an answer in prose must say for each option."""
    answer: int | None
    gold: tuple[Span, ...]
    types: tuple[str, ...]
    evidence: Literal["text", "visual"] = "text"


def clock_range(span: Span, duration: float) -> str:
    """The whole seconds around `span` as `MM:SS-MM:SS`, with hours where the video has them."""
    cut = 0 if duration >= 3600 else 3
    start, end = int(span.start), int(span.end) + (span.end > int(span.end))
    return f"{format_time(start)[cut:]}-{format_time(end)[cut:]}"


def make_drafts(
    rng: Random,
    mix: Mix,
    placed: Mapping[Show, Event],
    decoys: Sequence[Decoy],
    quotable: Sequence[Show],
    duration: float,
) -> list[Draft]:
    """Turn what was placed into questions, shuffled.

    `quotable` are shown signs that no puzzle asks about: to quote another would give that away.
    """
    drafts = [_of_puzzle(puzzle, placed) for puzzle in mix.puzzles]
    signs = sorted(
        (event for event in placed.values() if event.kind in ("sign", "table")),
        key=lambda event: event.start,
    )
    free = {placed[show].id for show in quotable}
    groups = list(decoys)
    for kind, answerable in mix.afterthoughts:
        if kind == "next":
            drafts += _next(rng, signs, free)
        elif groups:
            drafts.append(_period(rng, groups.pop(), placed, free, duration, answerable=answerable))
    rng.shuffle(drafts)
    return drafts


def _of_puzzle(puzzle: Puzzle, placed: Mapping[Show, Event]) -> Draft:
    return Draft(
        family=puzzle.family,
        fields=puzzle.fields,
        options=puzzle.options,
        values=puzzle.values,
        answer=puzzle.answer,
        gold=tuple(sorted(placed[show].span for show in puzzle.proof)),
        types=puzzle.types,
        evidence=puzzle.evidence,
    )


def _period(
    rng: Random, group: Decoy, placed: Mapping[Show, Event], free: set[int], duration: float, *,
    answerable: bool,
) -> Draft:  # fmt: skip
    """When a sign is shown; the others of its family are shown at the other times."""
    events = [placed[show] for show in group.shows]
    free -= {event.id for event in events}
    gold = rng.randrange(len(events))
    ranges = tuple(clock_range(event.span, duration) for event in events)
    return Draft(
        family="period" if group.absent.language == "en" else "period-zh",
        fields={"k": events[gold].text if answerable else group.absent.text.replace("|", " ")},
        options=ranges,
        values=ranges,
        answer=gold if answerable else None,
        gold=(events[gold].span,) if answerable else (),
        types=("temporal grounding",),
    )


def _next(rng: Random, signs: Sequence[Event], free: set[int]) -> list[Draft]:
    """Two signs in a row, and the nearest others as distractors; none in a very short video."""
    places = [i for i, event in enumerate(signs) if event.id in free]
    pairs = [i for i in places if i + 1 in places]
    if not pairs or len(places) < _SIBLINGS + 1:
        return []
    at = rng.choice(pairs)
    others = sorted((i for i in places if i not in (at, at + 1)), key=lambda i: abs(i - at))
    row = [signs[i] for i in (at + 1, *others[: _SIBLINGS - 1])]
    free -= {event.id for event in (signs[at], *row)}
    texts = tuple(event.text for event in row)
    return [
        Draft(
            family="next",
            fields={"k": signs[at].text},
            options=texts,
            values=texts,
            answer=0,
            gold=(signs[at].span, row[0].span),
            types=("event understanding",),
        )
    ]
