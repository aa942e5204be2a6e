"""`python -m videoseal.evals.synthetic`: generate one video with known truth."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from videoseal.core.errors import SettingsError, VideosealError, first_fault
from videoseal.evals.synthetic.generate import generate
from videoseal.evals.synthetic.phrasings import with_wordings
from videoseal.evals.synthetic.spec import VideoSpec

if TYPE_CHECKING:
    from videoseal.core.progress import Progress


@click.command()
@click.option("--minutes", default=20.0, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="DIR"
)
@click.option("--size", default="854x480", show_default=True, metavar="WxH")
@click.option("--fps", default=12.0, show_default=True)
@click.option("--vfr", is_flag=True, help="Let the frame rate vary.")
@click.option("--start-offset", default=0.0, help="First timestamp in the file, in seconds.")
@click.option("--name", default="", help="Base name of the files.")
@click.option(
    "--footage",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Show videos of this folder behind the words.",
)
@click.option(
    "--wordings",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Ask in the words of a YAML file like wordings.yaml.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def main(
    minutes: float, seed: int, out: Path, size: str, fps: float, vfr: bool, start_offset: float,
    name: str, footage: Path | None, wordings: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Generate a video, its questions in LVBench's format, and all that is true of it."""
    from pydantic import ValidationError

    try:
        width, _, height = size.partition("x")
        spec = VideoSpec.model_validate(
            {
                "minutes": minutes, "seed": seed, "width": width, "height": height, "fps": fps,
                "vfr": vfr, "start_offset": start_offset, "name": name, "footage": footage,
            }
        )  # fmt: skip
        made = generate(
            spec, out, None if as_json else _show, with_wordings(wordings) if wordings else None
        )
    except ValidationError as error:
        _fail(SettingsError(first_fault(error)))
    except (VideosealError, ValueError) as error:
        _fail(error)
    else:
        document = {
            "video": str(made.video), "questions": str(made.questions), "truth": str(made.truth),
            "frames": made.frames, "duration": made.duration, "asked": made.asked,
            "seconds": round(made.seconds, 2),
        }  # fmt: skip
        click.echo(json.dumps(document, indent=1) if as_json else made.video)


def _show(step: Progress) -> None:
    if sys.stderr.isatty() or step.done >= step.total:
        click.echo(f"\r{step.done:,.0f}/{step.total:,.0f} frames", nl=False, err=True)
        if step.done >= step.total:
            click.echo(err=True)


def _fail(error: Exception) -> None:
    click.echo(f"error: {error}", err=True)
    if hint := getattr(error, "hint", ""):
        click.echo(f"hint: {hint}", err=True)
    raise SystemExit(getattr(error, "exit_code", 2))


if __name__ == "__main__":
    main()
