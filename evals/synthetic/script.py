"""The plan of a whole video: its scenes, its events, its questions. Nothing is drawn yet."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from random import Random
from typing import Final

from videoseal.core.span import format_time
from videoseal.evals.synthetic.drawing.backdrops import BACKDROPS
from videoseal.evals.synthetic.facts.families import Draft, Language, Show
from videoseal.evals.synthetic.facts.vocabulary import vocabulary
from videoseal.evals.synthetic.questions import choose, make_drafts
from videoseal.evals.synthetic.schedule import (
    FrameTimes,
    Placed,
    place_cues,
    place_scenes,
    place_signs,
)
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.evals.synthetic.truth import Event, Scene

__all__ = ["Story", "tell_story"]

_SMALL_SIGNS_A_MINUTE: Final = 0.6
_CLOCKS: Final = 0.25
"""Share of the scenes in which a clock ticks."""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that will be drawn and asked."""

    times: FrameTimes
    scenes: list[Scene]
    events: list[Event]
    """In order of start; without boxes and line breaks, which the drawing decides."""
    drafts: list[Draft]


def tell_story(spec: VideoSpec) -> Story:
    """Plan the video of `spec`; equal specs give equal stories."""
    rng, times = Random(f"story {spec.seed} {spec.minutes}"), FrameTimes(spec)
    mix = choose(rng, spec)
    extra = [show for group in mix.decoys for show in group[:-1]]
    extra += _small_signs(rng, round(spec.minutes * _SMALL_SIGNS_A_MINUTE))
    shows = [show for puzzle in mix.puzzles for show in puzzle.shows] + extra
    signs = place_signs(rng, [show for show in shows if show.kind != "subtitle"], times.duration)
    scenes = place_scenes(rng, signs, times, ["footage"] if spec.footage else list(BACKDROPS))
    cues = place_cues(rng, scenes, [show for show in shows if show.kind == "subtitle"])
    spoken = [cue if cue.show else cue._replace(show=_small_talk(rng, cue)) for cue in cues]
    starts = [scene.start for scene in scenes]
    placed: dict[Show, Event] = {}
    for start, end, show, _ in [*signs, *spoken, *_clocks(rng, scenes)]:
        assert show is not None
        at = times.snap(start)
        scene = bisect_right(starts, at) - 1
        placed[show] = _event(show, len(placed), at, times.snap(end), scene)
    drafts = make_drafts(rng, mix, placed, extra, times.duration)
    events = sorted(placed.values(), key=lambda event: (event.start, event.id))
    return Story(times, scenes, events, drafts)


def _event(show: Show, number: int, start: float, end: float, scene: int) -> Event:
    lines = show.text.split("\n" if show.kind == "table" else "|")
    return Event(
        id=number,
        kind=show.kind,
        start=start,
        end=end,
        text=" ".join(lines).replace("\t", " "),
        lines=lines,
        language=show.language,
        scene=scene,
        board=show.board,
    )


def _small_signs(rng: Random, count: int) -> list[Show]:
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts[vocabulary("en").line("small_signs", rng).upper()] = None
    return [Show("sign", text) for text in texts]


def _small_talk(rng: Random, cue: Placed) -> Show:
    """A cue that settles no question; English above Chinese where both are spoken."""
    if cue.talk == "both":
        return Show("subtitle", "|".join(vocabulary("zh").two_lines(rng)), "both")
    language: Language = "en" if cue.talk == "en" else "zh"
    return Show("subtitle", vocabulary(language).line("small_talk", rng), language)


def _clocks(rng: Random, scenes: list[Scene]) -> list[Placed]:
    """A clock that ticks through a scene, from a time that means nothing."""
    readings = [(scene, rng.randrange(86_400)) for scene in scenes if rng.random() < _CLOCKS]
    return [
        Placed(scene.start, scene.end, Show("clock", format_time(reading), ""))
        for scene, reading in readings
    ]
