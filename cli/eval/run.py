"""`videoseal eval BENCHMARK`: ask the questions of a set, and record every answer at once."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from videoseal.cli.eval.folders import name_option
from videoseal.cli.eval.hours import generate_option, questions_of
from videoseal.cli.eval.prices import price_option
from videoseal.cli.eval.scores import exit_if_all_failed, print_scores
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import MODES, context_options, draw_options, given_context
from videoseal.cli.progress import show_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from videoseal.core.settings import Settings
    from videoseal.evals.running.run import Sampling
    from videoseal.evals.running.system_settings import Endpoints

__all__ = ["asked_on", "asking_options", "benchmark_command"]

F = TypeVar("F", bound="Callable[..., Any]")


def asking_options(command: F) -> F:
    """Add `--concurrency`, `--retry-errors` and `--ray`: how they are asked."""
    concurrency = click.option(
        "--concurrency", default=4, show_default=True, type=click.IntRange(1),
        help="Questions that are asked at a time.",
    )  # fmt: skip
    again = click.option(
        "--retry-errors", is_flag=True, help="Ask questions again that ended in an error."
    )
    ray = click.option(
        "--ray", "ray_address", is_flag=False, flag_value="local", metavar="[ADDRESS]",
        help="Ask on Ray: one that is started here, or the cluster at ADDRESS (auto, HOST:6379).",
    )  # fmt: skip
    return concurrency(again(ray(command)))


def benchmark_command(name: str) -> click.Command:
    """The command that runs one benchmark."""
    synthetic = name == "synthetic"

    @click.command(name, help=f"Ask {_questions(name)} and record every answer at once.")
    @click.option(
        "--annotations", required=not synthetic, type=click.Path(path_type=Path), metavar="PATH",
        help="Questions that were generated, or a folder of them." if synthetic else
        "The published annotation file (see `videoseal eval fetch`), or a folder of them.",
    )  # fmt: skip
    @click.option(
        "--videos", required=not synthetic, metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder with the videos, named by their ids.",
    )  # fmt: skip
    @click.option(
        "--mode", "modes", multiple=True, type=click.Choice(MODES), default=("decoupled",),
        help="System to ask; give several to compare them in one run.",
    )  # fmt: skip
    @draw_options
    @context_options("max_steps", "max_frames", "max_seconds", "forced_choice")
    @asking_options
    @name_option("that of the benchmark")
    @price_option
    @json_option
    @pass_invocation
    def command(invocation: Invocation, /, **options: Any) -> None:
        _run(invocation, name, options)

    return generate_option(command) if synthetic else command


def _questions(name: str) -> str:
    return "questions about generated videos" if name == "synthetic" else f"the questions of {name}"


def _run(invocation: Invocation, name: str, options: dict[str, Any]) -> None:
    from videoseal.evals.manifest import RunSpec
    from videoseal.evals.manifest import SystemSpec as Asked
    from videoseal.evals.running.run import Places, run, run_folder
    from videoseal.evals.scoring.systems import read_systems
    from videoseal.graph.resources import open_resources

    settings = invocation.settings()
    questions = questions_of(settings, options)
    context = given_context(options)
    spec = RunSpec(
        benchmark=name,
        cells=[Asked(mode=mode, context=context) for mode in dict.fromkeys(options["modes"])],
        limit=options["limit"],
        sample=options["sample"],
        seed=options["seed"],
    )
    folder = run_folder(settings.data_dir, options["run_name"] or name)
    places = Places(questions.annotations, questions.videos, folder)
    with (
        asked_on(settings, options["ray_address"]) as on,
        open_resources(settings) as resources,
        show_run() as on_progress,
    ):
        asyncio.run(
            run(
                spec, places, resources, on_progress,
                concurrency=options["concurrency"], retry_errors=options["retry_errors"], on=on,
            )
        )  # fmt: skip
    prices = options["prices"]
    cells = read_systems([folder], prices=prices)
    print_scores(invocation, cells, priced=prices is not None)
    if not invocation.as_json:
        click.echo(f"records in {folder}; a page to look at: videoseal eval report {folder.name}")
    exit_if_all_failed(cells)


@contextmanager
def asked_on(
    settings: Settings, address: str | None, endpoints: Endpoints | None = None
) -> Iterator[Sampling | None]:
    """Where questions are asked: None is this process."""
    if address is None:
        yield None
        return
    from videoseal.evals.running.ray_run import on_ray

    # Ray tells of lost workers on standard output, where the result belongs.
    with redirect_stdout(sys.stderr), on_ray(settings, address, endpoints) as on:
        yield on
