"""A set of generated hours, as large as it is asked for: the benchmark that everybody has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from videoseal.core.files import write_whole
from videoseal.evals.synthetic.generate import generate
from videoseal.evals.synthetic.phrasings import Wordings
from videoseal.evals.synthetic.spec import VideoSpec

if TYPE_CHECKING:
    from videoseal.core.progress import ProgressFn

__all__ = ["FIRST_SEED", "HourSet", "make_hours"]

FIRST_SEED: Final = 41
"""No hour from here on was looked at while the tools' rules were written."""

ShowHour = Callable[[int, VideoSpec], AbstractContextManager["ProgressFn"]]
"""Shows the making of one hour, counted from 1."""


class HourSet(NamedTuple):
    """Generated hours, ready for a run."""

    annotations: Path
    """The questions of exactly these hours in one file, whatever else lies in the folder."""
    videos: Path
    asked: int
    """Questions."""
    seconds: float
    """Of video."""


def make_hours(
    folder: Path,
    hours: int,
    *,
    first_seed: int = FIRST_SEED,
    minutes: float = 60.0,
    wordings: Wordings | None = None,
    footage: Path | None = None,
    show: ShowHour | None = None,
) -> HourSet:
    """Generate `hour-<seed>` for as many seeds as there are to be hours; finished films are kept.

    An hour takes minutes to draw and about 40 questions come with it. Raises OutOfSpace on a full
    disk, VideosealError where it may not write, and MissingDependency without the Chinese font.
    """
    seeds = range(first_seed, first_seed + hours)
    made = []
    for number, seed in enumerate(seeds, start=1):
        spec = VideoSpec(minutes=minutes, seed=seed, name=f"hour-{seed}", footage=footage)
        with show(number, spec) if show else nullcontext() as step:
            made.append(generate(spec, folder, step, wordings))
    annotations = folder / f"hours-{seeds[0]}-{seeds[-1]}.jsonl"
    write_whole(annotations, "".join(each.questions.read_text("utf-8") for each in made))
    return HourSet(
        annotations, folder, sum(each.asked for each in made), sum(each.duration for each in made)
    )
