"""`--generate HOURS` of `videoseal eval synthetic`: the videos that are asked about, made first."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from videoseal.cli.output import notes
from videoseal.cli.progress import Display

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from videoseal.core.settings import Settings
    from videoseal.evals.synthetic.spec import VideoSpec

__all__ = ["Questions", "generate_option", "questions_of"]

F = TypeVar("F", bound="Callable[..., Any]")


class Questions(NamedTuple):
    """Where the questions and the videos of a run are."""

    annotations: Path
    videos: Path


def generate_option(command: F) -> F:
    """Add `--generate` and `--first-seed`."""
    generate = click.option(
        "--generate", type=click.IntRange(1), metavar="HOURS",
        help="Make as many hours of video first, with about 40 questions each, and ask those."
        " What is there already is kept.",
    )  # fmt: skip
    seed = click.option(
        "--first-seed", type=click.IntRange(0), default=41, show_default=True,
        help="Of the first generated hour.",
    )  # fmt: skip
    return generate(seed(command))


def questions_of(settings: Settings, options: dict[str, Any]) -> Questions:
    """The files that the options name, generated where that is asked for.

    Raises UsageError for a run that has no questions, or two kinds of them.
    """
    annotations, videos = options["annotations"], options["videos"]
    hours = options.get("generate")
    if hours is None:
        for name, given in (("--annotations", annotations), ("--videos", videos)):
            if given is None:
                raise click.UsageError(f"Missing option '{name}', or '--generate HOURS'.")
        return Questions(annotations, videos)
    if annotations is not None:
        raise click.UsageError("'--generate' makes the questions; '--annotations' has others.")
    return _generated(videos or settings.data_dir / "synthetic", hours, options["first_seed"])


def _generated(folder: Path, hours: int, first_seed: int) -> Questions:
    from videoseal.evals.synthetic.dataset import make_hours

    @contextmanager
    def show(number: int, spec: VideoSpec) -> Iterator[Display]:
        notes().print(f"[{number}/{hours}] generating {spec.key}", soft_wrap=True)
        with Display() as bars:
            yield bars

    made = make_hours(folder, hours, first_seed=first_seed, show=show)
    notes().print(f"{made.asked} questions over {made.seconds / 3600:.1f} hours of video")
    return Questions(made.annotations, made.videos)
