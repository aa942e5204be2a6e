"""Several training runs side by side: the same logged numbers, a line for each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from videoseal.evals.report.house_style import (
    Figure,
    canvas,
    colour,
    finish,
    grid,
    short,
    write_figures,
)
from videoseal.evals.report.markdown import markdown_page
from videoseal.evals.report.tables import Column, Table, TableRow, Value
from videoseal.evals.scoring.systems import run_names
from videoseal.rl.report.training_curves import Point, ends, find, plot, read_scalars
from videoseal.rl.training.export import NothingTrained
from videoseal.rl.training.run_folder import RunFolder

__all__ = ["write_comparison"]

_MEASURES: Final = {
    "right": "train/right",
    "grounded": "train/grounded",
    "answered only because forced": "train/forced",
    "tool errors": "train/tool_errors",
    "turns": "train/turns",
    "frames shown": "train/frames",
}
"""What means the same whatever a run was paid for; rewards of two kinds cannot be compared."""

_PARTS: Final = 4
_CAPTION: Final = "Over the first quarter of the steps, and over the last."
_DIFFERENT: Final = "What the runs were told differently."
_COLUMNS: Final = 2


class _Run(NamedTuple):
    name: str
    settings: dict[str, Any]
    """By dotted names."""
    steps: int
    lines: Mapping[str, list[Point]]
    """By the labels of `_MEASURES`."""


def write_comparison(runs: Sequence[RunFolder], out: Path) -> dict[str, Path]:
    """Write `curves.svg`, `curves.pdf` and `compare.md` to `out`; the files by what they are.

    Raises NothingTrained for a run that has logged nothing yet, MissingDependency.
    """
    names = run_names([run.root for run in runs])
    read = [_read(run, name) for run, name in zip(runs, names, strict=True)]
    curves, paper = write_figures([_curves(read)], out)
    files = {"curves": curves, "paper": paper, "table": out / "compare.md"}
    files["table"].write_text(_markdown(read), encoding="utf-8")
    return files


def _read(run: RunFolder, name: str) -> _Run:
    series = read_scalars(run.tensorboard)
    lines = {label: find(series, name) for label, name in _MEASURES.items()}
    steps = max((len(points) for points in lines.values()), default=0)
    if not steps:
        raise NothingTrained(f"{run.root} has not logged a step yet")
    return _Run(name, run.read_manifest().identity(), steps, lines)


def _curves(runs: Sequence[_Run]) -> Figure:
    labels = [label for label in _MEASURES if any(run.lines[label] for run in runs)]
    with canvas(0.3 + 1.7 * -(-len(labels) // _COLUMNS)) as drawing:
        from matplotlib.lines import Line2D

        for axes, label in zip(grid(drawing, len(labels), _COLUMNS), labels, strict=True):
            plot(axes, {run.name: run.lines[label] for run in runs})
            axes.set_title(label)
        key = [Line2D([], [], color=colour(n), label=short(r.name)) for n, r in enumerate(runs)]
        drawing.legend(handles=key, loc="outside upper left", ncols=4)
        told = f"{', '.join(run.name for run in runs)}: mean of a step's episodes, by step."
        return finish(drawing, "curves", "Training", told)


def _markdown(runs: Sequence[_Run]) -> str:
    columns = [Column(run.name) for run in runs]
    measured = [TableRow(label, [_told(run.lines[label]) for run in runs]) for label in _MEASURES]
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    set_apart = [key for key in keys if len({repr(run.settings.get(key)) for run in runs}) > 1]
    settings = [
        TableRow(key, [Value(str(run.settings.get(key, ""))) for run in runs]) for key in set_apart
    ]
    steps = TableRow("steps logged", [Value(f"{run.steps:,}") for run in runs])
    tables = [
        ("Episodes", Table("episodes", _CAPTION, "mean of", columns, measured)),
        ("Settings", Table("settings", _DIFFERENT, "", columns, [steps, *settings])),
    ]
    page = markdown_page("Training runs side by side", [], tables)
    return f"{page}\n![Curves of all runs](curves.svg)\n"


def _told(points: Sequence[Point]) -> Value:
    if not points:
        return Value("")
    first, last = ends(points, _PARTS)
    return Value(f"{first:.3g} to {last:.3g}")
