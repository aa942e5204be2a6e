"""The plan of a whole video: its scenes, its events, its questions. Nothing is drawn yet."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from videoseal.evals.synthetic.drafts import Draft, make_drafts
from videoseal.evals.synthetic.drawing.backdrops import BACKDROPS
from videoseal.evals.synthetic.facts.families import Registry, Show
from videoseal.evals.synthetic.facts.question_mix import choose, decoys
from videoseal.evals.synthetic.facts.vocabulary import vocabulary
from videoseal.evals.synthetic.schedule import (
    FrameTimes,
    PlacedCue,
    Shot,
    TalkMode,
    place_cues,
    place_shots,
    place_signs,
)
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.evals.synthetic.truth import Event, EventKind, Scene

__all__ = ["Story", "tell_story"]

_DECOYS_A_MINUTE = 0.2
_SMALL_SIGNS_A_MINUTE = 0.6


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that will be drawn, heard and asked."""

    times: FrameTimes
    scenes: list[Scene]
    events: list[Event]
    """In order of start; without boxes and line breaks, which the drawing decides."""
    drafts: list[Draft]


def tell_story(spec: VideoSpec) -> Story:
    """Plan the video of `spec`; equal specs give equal stories."""
    rng, registry = Random(f"story {spec.seed} {spec.minutes}"), Registry()
    times = FrameTimes(spec)
    mix = choose(rng, registry, spec.question_count)
    periods = sum(kind == "period" for kind, _ in mix.afterthoughts)
    groups = decoys(rng, registry, max(periods, round(spec.minutes * _DECOYS_A_MINUTE)))
    asked = [show for puzzle in mix.puzzles for show in puzzle.shows]
    extra = [show for group in groups for show in group.shows]
    extra += _small_signs(rng, round(spec.minutes * _SMALL_SIGNS_A_MINUTE))
    signs = place_signs(
        rng, [show for show in asked + extra if show.kind != "subtitle"], times.duration
    )
    shots = place_shots(rng, signs, times.duration)
    cues = place_cues(rng, shots, [show for show in asked if show.kind == "subtitle"])
    writer = _Writer(rng, times, shots, ["footage"] if spec.footage else list(BACKDROPS))
    for placed in signs:
        writer.add_show(placed.show, placed.start, placed.end)
    for cue in cues:
        writer.add_cue(cue)
    writer.add_titles()
    writer.add_clocks()
    writer.add_beeps()
    drafts = make_drafts(rng, mix, writer.placed, groups, extra, times.duration)
    events = sorted(writer.events, key=lambda event: (event.start, event.id))
    return Story(times, writer.scenes, events, drafts)


def _small_signs(rng: Random, count: int) -> list[Show]:
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts[vocabulary("en").line("small_signs", rng).upper()] = None
    return [Show("sign", text) for text in texts]


class _Writer:
    """Moves wished times to whole frames and keeps the list of events."""

    def __init__(
        self, rng: Random, times: FrameTimes, shots: list[Shot], backdrops: list[str]
    ) -> None:
        self.events: list[Event] = []
        self.placed: dict[Show, Event] = {}
        self._rng, self._times = rng, times
        order: list[str] = []
        while len(order) < len(shots):
            order += rng.sample(backdrops, len(backdrops))
        self.scenes = [
            Scene(
                index=i,
                start=self._snap(shot.start),
                end=self._snap(shot.end),
                backdrop=order[i],
                talk=shot.talk,
            )
            for i, shot in enumerate(shots)
        ]
        self._scene = 0

    def _snap(self, seconds: float) -> float:
        return self._times.seconds(self._times.first_at(seconds))

    def _add(self, kind: EventKind, start: float, end: float, **fields: object) -> Event:
        start, end = self._snap(start), self._snap(end)
        scenes = self.scenes
        low = next(s.index for s in scenes[self._near(start) :] if start < s.end)
        event = Event.model_validate(
            {"id": len(self.events), "kind": kind, "start": start, "end": end, "scene": low}
            | fields
        )
        self.events.append(event)
        return event

    def _near(self, start: float) -> int:
        """A scene at or before `start`; events of a kind come in order, so the last one helps."""
        if self.scenes[self._scene].start > start:
            self._scene = 0
        while self.scenes[self._scene].end <= start and self._scene + 1 < len(self.scenes):
            self._scene += 1
        return self._scene

    def add_show(self, show: Show, start: float, end: float) -> None:
        """Place a sign, a table, a title or a told fact."""
        lines = show.text.splitlines() if show.kind == "table" else show.text.split("|")
        self.placed[show] = self._add(
            show.kind,
            start,
            end,
            text=" ".join(lines).replace("\t", " "),
            lines=lines,
            language=show.language,
            speaker=show.speaker,
            look={"board": show.board} if show.board else {},
        )

    def add_cue(self, cue: PlacedCue) -> None:
        """Place a subtitle: a fact, or small talk in the language of the scene."""
        if cue.show is not None:
            self.add_show(cue.show, cue.start, cue.end)
            return
        lines = _small_talk(self._rng, cue.talk)
        head, mark, _ = lines[0].replace("：", ":").partition(":")
        self._add(
            "subtitle",
            cue.start,
            cue.end,
            text=" ".join(lines),
            lines=lines,
            language=cue.talk,
            speaker=head if mark else "",
        )

    def add_titles(self) -> None:
        """Open two scenes of five with the title of a new part."""
        names: set[str] = set()
        for scene in self.scenes:
            if self._rng.random() > 0.4 or scene.end - scene.start < 8:
                continue
            part = str(len(names) + 1)
            text = vocabulary("en").line("titles", self._rng, part=part).upper()
            names.add(text)
            start = scene.start + self._rng.uniform(0.2, 0.6)
            self.add_show(Show("title", text), start, start + self._rng.uniform(2.0, 2.8))

    def add_clocks(self) -> None:
        """Let a clock tick in a quarter of the scenes, from a time that means nothing."""
        for scene in self.scenes:
            if self._rng.random() < 0.25:
                reading = self._rng.randrange(86_400)
                text = f"{reading // 3600:02d}:{reading // 60 % 60:02d}:{reading % 60:02d}"
                self._add("clock", scene.start, scene.end, text=text, lines=[text])

    def add_beeps(self) -> None:
        """Sound one to three beeps in a third of the scenes."""
        for scene in self.scenes:
            if self._rng.random() < 0.33 and scene.end - scene.start > 6:
                at = scene.start + self._rng.uniform(1, scene.end - scene.start - 3)
                pitch = self._rng.choice((660, 880, 1175))
                for step in range(self._rng.randint(1, 3)):
                    start = at + 0.6 * step
                    event = self._add("beep", start, start + 0.25, look={"hertz": pitch})
                    # Sound is not bound to frames.
                    event.start, event.end = round(start, 3), round(start + 0.25, 3)


def _small_talk(rng: Random, mode: TalkMode) -> list[str]:
    """One cue of talk that settles no question; English above Chinese where both are spoken."""
    if mode == "both":
        return list(vocabulary("zh").two_lines(rng))
    return [vocabulary("en" if mode == "en" else "zh").line("small_talk", rng)]
