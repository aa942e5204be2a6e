"""The help texts, kept as files so that a change of the interface is seen in review.

`UPDATE_GOLDEN=1 python -m pytest tests/cli/test_help.py` writes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from videoseal.cli.failures import EXIT_CODES
from videoseal.cli.main import app

GOLDEN = Path(__file__).parent / "golden"


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command line that has a help text."""
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


ALL = list(commands(app))


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "videoseal")
def test_help_is_as_written_down(path):
    """The help of each command is the text in its file."""
    shown = CliRunner().invoke(app, [*path, "--help"], prog_name="videoseal", terminal_width=100)
    assert shown.exit_code == 0
    file = GOLDEN / f"{'-'.join(('videoseal', *path))}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(shown.stdout, encoding="utf-8")
    assert shown.stdout == file.read_text("utf-8")


def test_no_help_text_is_left_over():
    """Every golden file belongs to a command."""
    names = {f"{'-'.join(('videoseal', *path))}.txt" for path in ALL}
    assert {path.name for path in GOLDEN.iterdir()} == names


def test_exit_codes_are_documented():
    """The top-level help names every exit code that an error class carries."""
    import videoseal.core.errors

    named = [getattr(videoseal.core.errors, name) for name in videoseal.core.errors.__all__]
    classes = [kind for kind in named if isinstance(kind, type) and issubclass(kind, Exception)]
    assert {kind.exit_code for kind in classes} <= set(EXIT_CODES)
    text = CliRunner().invoke(app, ["--help"], prog_name="videoseal").stdout
    assert all(f"{code}  {why}" in text for code, why in EXIT_CODES.items())


def test_every_command_speaks_json():
    """Every command has --json; those of evals that write files or pages may do without."""
    for path in (path for path in ALL if path[:1] != ("eval",)):
        command: click.Command = app
        for name in path:
            assert isinstance(command, click.Group)
            command = command.commands[name]
        if not isinstance(command, click.Group):
            assert "--json" in {opt for param in command.params for opt in param.opts}, path


def test_no_command_shows_the_help():
    """Without a command the help goes to standard error, with the code of wrong usage."""
    shown = CliRunner().invoke(app, [], prog_name="videoseal")
    assert shown.exit_code == 2
    assert "Usage: videoseal" in shown.stderr
