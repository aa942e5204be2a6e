"""`videoseal eval BENCHMARK`: ask the questions of a set, and record every answer at once."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from videoseal.cli.eval.score import exit_if_all_failed, print_scores
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import (
    MODES,
    context_options,
    draw_options,
    file_option,
    folder_option,
    given_context,
    name_option,
    price_option,
    source_options,
    together,
)
from videoseal.cli.output import notes
from videoseal.cli.progress import Display, show_run
from videoseal.graph.context import EvidenceKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videoseal.core.settings import Settings
    from videoseal.evals.manifest import SystemSpec
    from videoseal.evals.running.run import Places
    from videoseal.evals.running.system_settings import Endpoints
    from videoseal.evals.synthetic.spec import VideoSpec

__all__ = ["ask_all", "asking_options", "benchmark_command", "generate_option", "places_of"]

asking_options = together(
    click.option(
        "--concurrency", default=4, show_default=True, type=click.IntRange(1),
        help="Questions that are asked at a time.",
    ),
    click.option(
        "--retry-errors", is_flag=True, help="Ask questions again that ended in an error."
    ),
    click.option(
        "--wait", default=60.0, show_default=True, type=click.FloatRange(0), metavar="MINUTES",
        help="How long to wait for videos that another process is indexing.",
    ),
    click.option(
        "--ray", "ray_address", is_flag=False, flag_value="local", metavar="[ADDRESS]",
        help="Ask on Ray: one that is started here, or the cluster at ADDRESS (auto, HOST:6379).",
    ),
)  # fmt: skip
"""How questions are asked."""

generate_option = together(
    click.option(
        "--generate", type=click.IntRange(1), metavar="HOURS",
        help="Make as many hours of video first, with about 40 questions each, and ask those."
        " What is there already is kept.",
    ),
    click.option(
        "--first-seed", type=click.IntRange(0), default=41, show_default=True,
        help="Of the first generated hour.",
    ),
    folder_option(
        "--footage", help="Show the videos of this folder behind the words of generated ones."
    ),
    file_option(
        "--wordings",
        help="Ask generated questions in the words of a YAML file; what it lacks is asked in those"
        " of evals/synthetic/wordings.yaml, whose form it has.",
    ),
)  # fmt: skip
"""Videos that are made first."""


def benchmark_command(name: str) -> click.Command:
    """The command that runs one benchmark."""
    synthetic = name == "synthetic"
    asked = "questions about generated videos" if synthetic else f"the questions of {name}"
    made = "Questions that were generated, or a folder of them."
    own = {"annotations": made} if synthetic else {}

    @click.command(name, help=f"Ask {asked} and record every answer at once.")
    @source_options(required=not synthetic, **own)
    @click.option(
        "--mode", "modes", multiple=True, type=click.Choice(MODES), default=("decoupled",),
        help="System to ask; give several to compare them in one run.",
    )  # fmt: skip
    @draw_options
    @context_options("max_steps", "max_frames", "max_seconds", "forced_choice")
    @click.option(
        "--evidence", type=click.Choice(get_args(EvidenceKind)),
        help="What an answer may rest on.  [default: seen]",
    )  # fmt: skip
    @asking_options
    @name_option("that of the benchmark")
    @price_option
    @json_option
    @pass_invocation
    def command(invocation: Invocation, /, **options: Any) -> None:
        _run(invocation, name, options)

    return generate_option(command) if synthetic else command


def _run(invocation: Invocation, name: str, options: dict[str, Any]) -> None:
    from videoseal.evals.manifest import SystemSpec
    from videoseal.evals.scoring.systems import read_systems

    settings, context = invocation.settings(), given_context(options)
    places = places_of(settings, options, name)
    systems = [SystemSpec(mode=mode, context=context) for mode in dict.fromkeys(options["modes"])]
    ask_all(settings, name, systems, places, options)
    folder, prices = places.folder, options["prices"]
    recorded = read_systems([folder], prices=prices)
    print_scores(invocation, recorded, priced=prices is not None)
    if not invocation.as_json:
        click.echo(f"records in {folder}; a page to look at: videoseal eval report {folder.name}")
    exit_if_all_failed(recorded)


def places_of(settings: Settings, options: dict[str, Any], name: str) -> Places:
    """Where questions and videos are, generated where that is asked for, and records shall be.

    Raises UsageError for a run that has no questions, or two kinds of them.
    """
    from videoseal.evals.running.run import Places, run_folder

    folder = run_folder(settings.data_dir, options["run_name"] or name)
    annotations, videos, hours = options["annotations"], options["videos"], options.get("generate")
    if hours is None:
        for option in ("wordings", "footage"):
            if options.get(option):
                raise click.UsageError(f"'--{option}' is for what '--generate' makes.")
        for option, given in (("--annotations", annotations), ("--videos", videos)):
            if given is None:
                raise click.UsageError(f"Missing option '{option}', or '--generate HOURS'.")
        return Places(annotations, videos, folder)
    if annotations is not None:
        raise click.UsageError("'--generate' makes the questions; '--annotations' has others.")
    into = videos or settings.data_dir / "synthetic"
    return Places(*_generated(into, hours, options), folder)


def _generated(folder: Path, hours: int, options: dict[str, Any]) -> tuple[Path, Path]:
    """Make hours of video; where their questions and they are."""
    from videoseal.evals.synthetic.dataset import make_hours
    from videoseal.evals.synthetic.phrasings import with_wordings

    @contextmanager
    def show(number: int, spec: VideoSpec) -> Iterator[Display]:
        notes().print(f"[{number}/{hours}] generating {spec.key}", soft_wrap=True)
        with Display() as on_progress:
            yield on_progress

    words = with_wordings(options["wordings"]) if options["wordings"] else None
    made = make_hours(
        folder,
        hours,
        first_seed=options["first_seed"],
        wordings=words,
        footage=options["footage"],
        show=show,
    )
    notes().print(f"{made.asked} questions over {made.seconds / 3600:.1f} hours of video")
    return made.annotations, made.videos


def ask_all(
    settings: Settings, benchmark: str, systems: list[SystemSpec], places: Places,
    options: dict[str, Any], endpoints: Endpoints | None = None,
) -> None:  # fmt: skip
    """Ask every system what it has not answered yet, here or on Ray, and show how far it is."""
    from videoseal.evals.manifest import RunSpec
    from videoseal.evals.running.run import run
    from videoseal.graph.resources import open_resources

    draw = {name: options[name] for name in ("limit", "sample", "seed")}
    spec, on = RunSpec(benchmark=benchmark, cells=systems, **draw), None
    with ExitStack() as stack:
        if options["ray_address"] is not None:
            from videoseal.evals.running.ray_run import on_ray

            # Ray tells of lost workers on standard output, where the result belongs.
            stack.enter_context(redirect_stdout(sys.stderr))
            on = stack.enter_context(on_ray(settings, options["ray_address"], endpoints))
        resources = stack.enter_context(open_resources(settings))
        on_progress = stack.enter_context(show_run())
        asyncio.run(
            run(
                spec, places, resources, on_progress, concurrency=options["concurrency"],
                retry_errors=options["retry_errors"], endpoints=endpoints, on=on,
                wait_s=options["wait"] * 60,
            )
        )  # fmt: skip
