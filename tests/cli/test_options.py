"""Options that are made of the fields of Context."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from videoseal.cli.options import context_options, given_context


@click.command()
@context_options("max_steps", "max_tokens", "max_seconds", "inspector_context", "forced_choice")
def command(**options: Any) -> None:
    """Print what was given."""
    click.echo(given_context(options))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "{}"),
        ("--max-steps 16 --max-tokens 5", "{'max_steps': 16, 'max_tokens': 5}"),
        ("--force --max-seconds 0.5", "{'max_seconds': 0.5, 'forced_choice': True}"),
        ("--inspector-context focus", "{'inspector_context': 'focus'}"),
    ],
)
def test_only_what_is_given_is_passed_on(line, told):
    """A default is the schema's to know, also where the same value is given by hand."""
    assert CliRunner().invoke(command, line.split()).output == f"{told}\n"


@pytest.mark.parametrize(
    "line",
    ["--max-steps 0", "--max-steps 201", "--max-tokens 0", "--max-seconds 0",
     "--inspector-context all"],
)  # fmt: skip
def test_bounds_are_those_of_the_schema(line):
    """What Context would refuse is wrong usage, named by its option."""
    done = CliRunner().invoke(command, line.split())
    assert done.exit_code == 2
    assert line.split()[0] in done.output


def test_help_tells_default_and_meaning():
    """Nothing of the schema is said a second time."""
    shown = CliRunner().invoke(command, ["--help"], terminal_width=100).output
    assert "Turns of the planner.  [default: (16); 1<=x<=200]" in shown
    assert "[question|focus|notes]" in shown
