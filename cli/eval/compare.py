"""`videoseal eval compare`: two systems, question by question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from videoseal.evals.scoring.systems import System

__all__ = ["compare"]


@click.command()
@click.argument("first")
@click.argument("second")
@json_option
@pass_invocation
def compare(invocation: Invocation, first: str, second: str) -> None:
    """Compare FIRST with SECOND question by question, as a Markdown table or as JSON.

    Each is RUN or RUN:MODE or RUN:MODE:VARIANT; differences have intervals clustered by video,
    right and wrong has McNemar's test.
    """
    from videoseal.evals.report.markdown import comparison_markdown
    from videoseal.evals.scoring.compare import compare as paired

    found = paired(_system(invocation, first), _system(invocation, second))
    if not found.shared:
        raise click.UsageError(f"{first} and {second} were not asked a single question in common.")
    invocation.emit(found, comparison_markdown(found).rstrip("\n"))


def _system(invocation: Invocation, name: str) -> System:
    from videoseal.evals.scoring.systems import NoSuchRun, read_systems

    run, _, rest = name.partition(":")
    mode, _, variant = rest.partition(":")
    systems = read_systems([invocation.recorded(run)])
    found = [s for s in systems if mode in ("", s.key.mode) and variant in ("", s.key.variant)]
    if len(found) != 1:
        known = ", ".join(":".join(filter(None, system.key)) for system in systems)
        raise NoSuchRun(f"{name} names {len(found)} systems, not one", hint=f"there are: {known}")
    return found[0]
