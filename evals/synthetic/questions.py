"""What a video is asked: a mix of kinds, their drafts, and those written in LVBench's format."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from videoseal.core.span import Span, format_time
from videoseal.evals.synthetic.facts.families import (
    Draft,
    Exhausted,
    Family,
    Puzzle,
    Registry,
    Show,
    build,
)
from videoseal.evals.synthetic.facts.vocabulary import families
from videoseal.evals.synthetic.phrasings import Phrasing, Wordings, deal
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.evals.synthetic.truth import Event

if TYPE_CHECKING:
    from videoseal.evals.synthetic.script import Story

__all__ = ["Mix", "choose", "make_drafts", "questions_line"]

_LETTERS: Final = "ABCD"
Afterthought = Literal["period", "next"]
"""Questions that are made from what was placed, not placed for the question."""
_Decks = dict[str, deque[Family]]
_DECOYS_A_MINUTE: Final = 0.2

_CYCLE: Final = (
    "sign", "subtitle", "table", "sign-", "subtitle zh",
    "chain", "subtitle", "period", "subtitle zh-", "table",
    "sign", "sign zh", "board", "subtitle-", "table zh",
    "next", "table-", "subtitle", "chain-", "sign",
    "subtitle zh", "sign", "period-", "subtitle", "chain",
    "table", "subtitle", "board-", "subtitle zh", "chain zh",
)  # fmt: skip
"""Kinds of question in turn, so that every prefix is mixed; `-` asks for what is not there."""
_SIBLINGS: Final = 4


class Mix(NamedTuple):
    """What will be asked."""

    puzzles: list[Puzzle]
    afterthoughts: list[tuple[Afterthought, bool]]
    """Kind, and whether the video has an answer."""
    decoys: list[list[Show]]
    """Groups of five signs that no puzzle asks about, the last of which is not even shown."""


def choose(rng: Random, spec: VideoSpec) -> Mix:
    """Pick the questions of a video, mostly text, a fifth without an answer; and signs besides."""
    decks: _Decks = defaultdict(deque)
    for family in rng.sample(list(families().values()), len(families())):
        decks[f"{family.kind} {family.language}".removesuffix(" en")].append(family)
    mix, registry = Mix([], [], []), Registry()
    for kind, _ in zip(cycle(_CYCLE), range(spec.question_count), strict=False):
        plain, answerable = kind.removesuffix("-"), not kind.endswith("-")
        if plain in get_args(Afterthought):
            mix.afterthoughts.append((plain, answerable))  # type: ignore[arg-type]
        else:
            mix.puzzles.append(_draw(decks, plain, rng, registry, answerable=answerable))
    periods = sum(kind == "period" for kind, _ in mix.afterthoughts)
    for turn in range(max(periods, round(spec.minutes * _DECOYS_A_MINUTE))):
        deck = decks["sign" if turn % 3 else "sign zh"]
        deck.rotate(-1)
        with suppress(Exhausted):
            mix.decoys.append(deck[0].signs(rng, registry))
    return mix


def _draw(decks: _Decks, kind: str, rng: Random, registry: Registry, *, answerable: bool) -> Puzzle:
    """The next puzzle of `kind`; a family that ran out of keys is passed over.

    Where all families of a kind ran out, in videos of many hours, a sign takes the place.
    """
    deck = decks[kind]
    for _ in range(len(deck)):
        deck.rotate(-1)
        try:
            return build(deck[0], rng, registry, answerable=answerable)
        except Exhausted:
            continue
    assert kind != "sign", "the families of signs have keys for days"
    return _draw(decks, "sign", rng, registry, answerable=answerable)


def make_drafts(
    rng: Random, mix: Mix, placed: Mapping[Show, Event], quotable: Sequence[Show], duration: float
) -> list[Draft]:
    """Turn what was placed into questions, shuffled.

    `quotable` are shown signs that no puzzle asks about: to quote another would give that away.
    """
    drafts = [
        replace(draft, gold=tuple(sorted(placed[show].span for show in proof)))
        for draft, _, proof in mix.puzzles
    ]
    signs = sorted(
        (event for event in placed.values() if event.kind in ("sign", "table")),
        key=lambda event: event.start,
    )
    free, groups = {placed[show].id for show in quotable}, list(mix.decoys)
    for kind, answerable in mix.afterthoughts:
        if kind == "next":
            drafts += _next(rng, signs, free)
        elif groups:
            *shown, absent = groups.pop()
            events = [placed[show] for show in shown]
            free -= {event.id for event in events}
            drafts.append(_period(rng, events, absent, duration, answerable=answerable))
    rng.shuffle(drafts)
    return drafts


def _period(
    rng: Random, events: Sequence[Event], absent: Show, duration: float, *, answerable: bool
) -> Draft:
    """When a sign is shown; the others of its family are shown at the other times."""
    gold = rng.randrange(len(events))
    ranges = tuple(_clock_range(event.span, duration) for event in events)
    return Draft(
        family="period" if absent.language == "en" else "period-zh",
        fields={"k": events[gold].text if answerable else absent.text.replace("|", " ")},
        options=ranges,
        values=ranges,
        answer=gold if answerable else None,
        types=("temporal grounding",),
        gold=(events[gold].span,) if answerable else (),
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
    gold = (signs[at].span, row[0].span)
    fields = {"k": signs[at].text}
    return [Draft("next", fields, texts, texts, 0, ("event understanding",), gold=gold)]


def _clock_range(span: Span, duration: float) -> str:
    """The whole seconds around `span` as `MM:SS-MM:SS`, with hours where the video has them."""
    cut = 0 if duration >= 3600 else 3
    start, end = int(span.start), int(span.end) + (span.end > int(span.end))
    return f"{format_time(start)[cut:]}-{format_time(end)[cut:]}"


def questions_line(spec: VideoSpec, story: Story, wordings: Wordings) -> tuple[str, int]:
    """One line of `video_info.meta.jsonl`, and how many questions it asks.

    Beyond LVBench's fields a question says whether it is `answerable`, which `evidence` it takes,
    its `hops`, its `gold` spans in exact seconds, and whose `wording` it has. An open one has no
    options, and a value as its answer.
    """
    rng = Random(f"letters {spec.seed} {spec.minutes}")
    phrasings = deal(wordings, [draft.family for draft in story.drafts], rng)
    pairs = list(zip(story.drafts, phrasings, strict=True))
    # Among questions that have a right option, each position is right as often as the others.
    lettered = sum(draft.answer is not None and not phrasing.open for draft, phrasing in pairs)
    letters = [number % len(_LETTERS) for number in range(lettered)]
    rng.shuffle(letters)
    duration = story.times.duration
    asked = [
        {"uid": f"{spec.key}-{number}", **_asked(draft, phrasing, letters, rng, duration)}
        for number, (draft, phrasing) in enumerate(pairs)
    ]
    document = {
        "key": spec.key,
        "type": "synthetic",
        "video_info": {
            "duration_minutes": round(duration / 60, 3),
            "fps": spec.fps,
            "resolution": {"width": spec.width, "height": spec.height},
        },
        "qa": asked,
    }
    return json.dumps(document, ensure_ascii=False) + "\n", len(asked)


def _asked(
    draft: Draft, phrasing: Phrasing, letters: list[int], rng: Random, duration: float
) -> dict[str, Any]:
    options, answer = rng.sample(draft.options, len(draft.options)), ""
    if draft.answer is not None and phrasing.open:
        answer = draft.values[draft.answer]
    elif draft.answer is not None:
        right, position = draft.options[draft.answer], letters.pop()
        options.remove(right)
        options.insert(position, right)
        answer = _LETTERS[position]
    lines = [f"({letter}) {text}" for letter, text in zip(_LETTERS, options, strict=True)]
    question = phrasing.text.format(**draft.fields)
    return {
        "question": question if phrasing.open else "\n".join([question, *lines]),
        "answer": answer,
        "question_type": list(draft.types),
        "time_reference": ", ".join(_clock_range(span, duration) for span in draft.gold),
        "answerable": draft.answer is not None,
        "evidence": draft.evidence,
        "hops": len(draft.gold),
        "gold": [[span.start, span.end] for span in draft.gold],
        "wording": phrasing.wording,
    }
