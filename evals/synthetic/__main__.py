"""`python -m videoseal.evals.synthetic`: generate one video with known truth."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from videoseal.core.errors import VideosealError, first_fault
from videoseal.evals.synthetic.generate import generate
from videoseal.evals.synthetic.phrasings import with_wordings
from videoseal.evals.synthetic.spec import VideoSpec

if TYPE_CHECKING:
    from videoseal.core.progress import Progress

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--minutes", default=20.0, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--out", type=_FOLDER, default=Path(), metavar="DIR")
@click.option("--size", default="854x480", show_default=True, metavar="WxH")
@click.option("--fps", default=12.0, show_default=True)
@click.option("--vfr", is_flag=True, help="Let the frame rate vary.")
@click.option("--start-offset", default=0.0, help="First timestamp in the file, in seconds.")
@click.option("--name", default="", help="Base name of the files.")
@click.option("--footage", type=_FOLDER, metavar="DIR", help="Show its videos behind the words.")
@click.option(
    "--wordings",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Ask in the words of a YAML file like wordings.yaml.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def main(out: Path, size: str, wordings: Path | None, as_json: bool, **values: Any) -> None:
    """Generate a video, its questions in LVBench's format, and all that is true of it."""
    from pydantic import ValidationError

    width, _, height = size.partition("x")
    try:
        spec = VideoSpec.model_validate({"width": width, "height": height, **values})
        words = with_wordings(wordings) if wordings else None
        made = generate(spec, out, None if as_json else _show, words)
    except ValidationError as error:
        _refuse(first_fault(error), 2)
    except (VideosealError, ValueError) as error:
        hint = getattr(error, "hint", "")
        told = f"{error}\nhint: {hint}" if hint else str(error)
        _refuse(told, getattr(error, "exit_code", 2))
    document = {
        "video": str(made.video), "questions": str(made.questions), "truth": str(made.truth),
        "frames": made.frames, "duration": made.duration, "asked": made.asked,
        "seconds": round(made.seconds, 2),
    }  # fmt: skip
    click.echo(json.dumps(document, indent=1) if as_json else made.video)


def _show(step: Progress) -> None:
    last = step.done >= step.total
    if sys.stderr.isatty() or last:
        click.echo(f"\r{step.done:,.0f}/{step.total:,.0f} frames", nl=last, err=True)


def _refuse(message: str, code: int) -> NoReturn:
    click.ClickException(message).show()
    raise SystemExit(code)


if __name__ == "__main__":
    main()
