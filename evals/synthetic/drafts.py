"""Questions before they are written out: options still in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from videoseal.core.span import Span, format_time
from videoseal.evals.synthetic.facts.families import Decoy
from videoseal.evals.synthetic.facts.puzzles import Period, Puzzle, Show
from videoseal.evals.synthetic.facts.question_mix import Afterthought, Mix
from videoseal.evals.synthetic.facts.wordings import wordings
from videoseal.evals.synthetic.truth import Event

__all__ = ["Draft", "clock_range", "make_drafts"]

_SIBLINGS = 4
_NEXT = "Which of these signs is the next one to appear after the sign “{}”?"


@dataclass(frozen=True, slots=True)
class Draft:
    """A question with its options, the index of the right one, and the spans that prove it."""

    question: str
    options: tuple[str, ...]
    answer: int | None
    gold: tuple[Span, ...]
    types: tuple[str, ...]
    evidence: Literal["text", "visual"]
    family: str


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

    `quotable` are shown signs that no puzzle asks about.
    """
    drafts = [_of_puzzle(puzzle, placed, duration) for puzzle in mix.puzzles]
    writer = _Afterthoughts(rng, placed, decoys, quotable, duration)
    for kind, answerable in mix.afterthoughts:
        draft = writer.write(kind, answerable=answerable)
        if draft is not None:
            drafts.append(draft)
    rng.shuffle(drafts)
    return drafts


def _of_puzzle(puzzle: Puzzle, placed: Mapping[Show, Event], duration: float) -> Draft:
    options = tuple(
        clock_range(placed[option.show].span, duration) if isinstance(option, Period) else option
        for option in puzzle.options
    )
    return Draft(
        question=puzzle.question,
        options=options,
        answer=puzzle.answer,
        gold=tuple(sorted(placed[show].span for show in puzzle.proof)),
        types=puzzle.types,
        evidence=puzzle.evidence,
        family=puzzle.family,
    )


class _Afterthoughts:
    """Questions about where things came to stand.

    They quote only signs that no other question is about: a quoted sign would give that away.
    """

    def __init__(
        self,
        rng: Random,
        placed: Mapping[Show, Event],
        decoys: Sequence[Decoy],
        quotable: Sequence[Show],
        duration: float,
    ) -> None:
        self._rng, self._placed, self._duration = rng, placed, duration
        self._decoys = list(decoys)
        events = sorted(placed.values(), key=lambda event: event.start)
        self._signs = [event for event in events if event.kind == "sign"]
        self._titles = [event for event in events if event.kind == "title"]
        self._quotable = {placed[show].id for show in quotable}

    def write(self, kind: Afterthought, *, answerable: bool) -> Draft | None:
        """A question of `kind`; None when the video is too short to ask it."""
        if kind == "title":
            return self._title()
        return self._period(answerable) if kind == "period" else self._next()

    def _period(self, answerable: bool) -> Draft | None:
        if not self._decoys:
            return None
        group = self._decoys.pop()
        events = [self._placed[show] for show in group.shows]
        self._quotable -= {event.id for event in events}
        gold = self._rng.randrange(len(events))
        text = events[gold].text if answerable else group.absent.text.replace("|", " ")
        return Draft(
            question=wordings(group.absent.language).period.format(text),
            options=tuple(clock_range(event.span, self._duration) for event in events),
            answer=gold if answerable else None,
            gold=(events[gold].span,) if answerable else (),
            types=("temporal grounding",),
            evidence="text",
            family="period",
        )

    def _next(self) -> Draft | None:
        """Two signs in a row, and the nearest others as distractors."""
        free = [i for i, event in enumerate(self._signs) if event.id in self._quotable]
        pairs = [i for i in free if i + 1 in free]
        if not pairs or len(free) < _SIBLINGS + 1:
            return None
        at = self._rng.choice(pairs)
        others = sorted((i for i in free if i not in (at, at + 1)), key=lambda i: abs(i - at))
        row = [self._signs[i] for i in (at + 1, *others[: _SIBLINGS - 1])]
        anchor = self._signs[at]
        self._quotable -= {event.id for event in (anchor, *row)}
        return Draft(
            question=_NEXT.format(anchor.text),
            options=tuple(event.text for event in row),
            answer=0,
            gold=(anchor.span, row[0].span),
            types=("event understanding",),
            evidence="text",
            family="next",
        )

    def _title(self) -> Draft | None:
        if len(self._titles) < _SIBLINGS:
            return None
        events = self._rng.sample(self._titles, _SIBLINGS)
        self._titles = [event for event in self._titles if event not in events]
        part = events[0].text.split()[1]
        return Draft(
            question=f"What is the title of part {part}?",
            options=tuple(event.text.split(maxsplit=2)[2] for event in events),
            answer=0,
            gold=(events[0].span,),
            types=("key information retrieval",),
            evidence="text",
            family="title",
        )
