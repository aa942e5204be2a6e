"""What is printed where: results on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videoseal.core.span import format_time
from videoseal.core.text import json_values, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.table import Table

__all__ = ["clock", "emit_json", "near", "notes", "results", "size", "stacked", "table"]


def results() -> Console:
    """The console for results; it knows NO_COLOR, pipes and the width of the terminal."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def notes() -> Console:
    """The console for progress, notes and questions, on standard error."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False, markup=False, emoji=False)


def emit_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    plain_values = json_values(document)
    text = json.dumps(plain_values, indent=2, ensure_ascii=not encoding.startswith("utf"))
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    """A table without lines that also reads well in a file; `numbers` are set to the right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def stacked(
    corner: str, numbers: Sequence[str], groups: Iterable[tuple[str, Sequence[tuple[str, Any]]]]
) -> Table:
    """A table of groups below each other: a heading, and a line for each label with its numbers."""
    made = table(corner, *numbers, numbers=numbers)
    for heading, rows in groups:
        made.add_row(plain(heading), style="bold")
        for label, values in rows:
            made.add_row(f"  {plain(label)}", *values)
    return made


def clock(seconds: float) -> str:
    """A moment as `HH:MM:SS.t`."""
    return format_time(seconds, decimals=1)


def near(path: Path) -> str:
    """A path as short as it can be: from the current folder where it lies inside."""
    with contextlib.suppress(ValueError, OSError):
        path = path.absolute().relative_to(Path.cwd())
    return str(path)


def size(count: float) -> str:
    """A number of bytes for people, such as `1.4 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
