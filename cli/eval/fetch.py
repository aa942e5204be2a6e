"""`videoseal eval fetch`: where the benchmarks are, and getting them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import folder_option
from videoseal.cli.output import near, notes
from videoseal.cli.progress import Display
from videoseal.core.environment import environment
from videoseal.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videoseal.evals.benchmarks.registry import Benchmark
    from videoseal.evals.fetch.fetching import Fetched

__all__ = ["fetch_command"]

_SHOWN = 10
"""Videos that could not be had and are named on the terminal."""


def fetch_command(names: tuple[str, ...]) -> click.Command:
    """The command, for benchmarks of these names."""

    @click.command()
    @click.argument("name", type=click.Choice(names), required=False)
    @folder_option("--out", help="Fetch NAME into DIR; what is there already stays.")
    @click.option("--annotations-only", is_flag=True, help="Fetch the questions, no videos.")
    @click.option(
        "--limit", type=click.IntRange(1), help="Only the first N videos, or archives of them."
    )
    @json_option
    @pass_invocation
    def fetch(
        invocation: Invocation, name: str | None, out: Path | None, annotations_only: bool,
        limit: int | None,
    ) -> None:  # fmt: skip
        """Say where to get the benchmark NAME, or all of them, or fetch it into a folder.

        Annotations come from the hub (HF_ENDPOINT, HF_TOKEN), videos from there or by yt-dlp.
        Videos that cannot be had are listed with the reason in fetch.json.
        """
        if out is None:
            _tell(invocation, name)
        elif name is None:
            raise click.UsageError("'--out' needs the NAME of one benchmark.")
        else:
            _fetch(invocation, name, out, annotations_only, limit)

    return fetch


def _fetch(
    invocation: Invocation, name: str, out: Path, annotations_only: bool, limit: int | None
) -> None:
    from videoseal.evals.fetch.fetching import fetch
    from videoseal.evals.fetch.hub import Hub

    invocation.when_stopped = "stopped; run the same command again to go on"
    environ = environment()
    endpoint = environ.get("HF_ENDPOINT") or "https://huggingface.co"
    hub = Hub(endpoint, environ.get("HF_TOKEN", ""))
    with Display() as bars:
        found = fetch(
            name, out, hub, limit=limit, annotations_only=annotations_only, on_progress=bars
        )
    invocation.emit(found, *_summary(found, out))
    if not (invocation.as_json or annotations_only):
        where = near(out / found.annotations[0])
        notes().print(f"ask: videoseal eval {name} --annotations {where} --videos {near(out)}")


def _summary(found: Fetched, out: Path) -> Iterator[str]:
    yield f"{len(found.annotations)} annotation files and {found.videos} videos in {near(out)}"
    yield f"licence: {found.licence} ({found.source} decides)"
    if found.failed:
        yield f"{len(found.failed)} could not be had (all in {near(out / 'fetch.json')}):"
    for failed in found.failed[:_SHOWN]:
        yield f"  {plain(failed.id)}: {plain(failed.reason)}"


def _tell(invocation: Invocation, name: str | None) -> None:
    from videoseal.evals.benchmarks.registry import BENCHMARKS

    chosen = [entry for entry in BENCHMARKS.values() if name in (None, entry.name)]
    told = [
        {
            "name": entry.name, "title": entry.title, "annotations": entry.annotations,
            "home": entry.home, "licence": _licence(entry),
        }
        for entry in chosen
    ]  # fmt: skip
    form = "{name:<15} {title}: {home}\n" + " " * 16 + "{annotations}; {licence}"
    invocation.emit(told, *(form.format(**each) for each in told))
    if not invocation.as_json:
        notes().print("fetch one: videoseal eval fetch NAME --out DIR")


def _licence(entry: Benchmark) -> str:
    from videoseal.evals.fetch.sources import SOURCES

    if entry.name not in SOURCES:
        return entry.licence
    source = SOURCES[entry.name]
    conditions = "; its conditions must be accepted there first" if source.gated else ""
    return f"{source.licence} (its page, read in November 2026, decides){conditions}"
