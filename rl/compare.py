"""Several training runs side by side: the same logged numbers, a line for each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final, NamedTuple

from evals.report.experiment_figure import figure_alone
from evals.report.markdown import markdown_page
from evals.report.marks import words
from evals.report.svg import Svg, element, figure
from evals.report.tables import Column, Row, Table, Value
from rl.curves import Line, Point, find, plot, read_scalars
from rl.run_folder import NoSuchTraining, RunFolder

__all__ = ["MEASURES", "Quarter", "compare_quarters", "write_comparison"]

MEASURES: Final = (
    Line("train/right", "right"),
    Line("train/grounded", "grounded"),
    Line("train/forced", "answered only because forced"),
    Line("train/tool_errors", "tool errors"),
    Line("train/turns", "turns"),
    Line("train/frames", "frames shown"),
)
"""What means the same whatever a run was paid for; rewards of two kinds cannot be compared."""

_CAPTION: Final = "Over the first quarter of the steps, and over the last."
_DIFFERENT: Final = "What the runs were told differently."
_WIDE: Final = 610.0
_TALL: Final = 290.0
_COLUMNS: Final = 2


class Quarter(NamedTuple):
    """Mean of a measure over the first and over the last quarter of a run's steps."""

    first: float
    last: float


class _Run(NamedTuple):
    name: str
    settings: dict[str, Any]
    """By dotted names."""
    steps: int
    lines: Mapping[str, list[Point]]
    """By the labels of `MEASURES`."""


def write_comparison(runs: Sequence[RunFolder], out: Path) -> dict[str, Path]:
    """Write `curves.svg` and `compare.md` to `out`; the files by what they are.

    Raises NoSuchTraining for a run that has logged nothing yet, MissingDependency.
    """
    read = [_read(run) for run in runs]
    out.mkdir(parents=True, exist_ok=True)
    files = {"curves": out / "curves.svg", "table": out / "compare.md"}
    files["curves"].write_text(figure_alone("Training", _panels(read)) + "\n", encoding="utf-8")
    files["table"].write_text(_markdown(read), encoding="utf-8")
    return files


def compare_quarters(lines: Mapping[str, Sequence[Point]]) -> dict[str, Quarter]:
    """By measure, for those that were logged."""
    found = {}
    for label, points in lines.items():
        if points:
            size = max(1, len(points) // 4)
            values = [point.value for point in points]
            found[label] = Quarter(fmean(values[:size]), fmean(values[-size:]))
    return found


def _read(run: RunFolder) -> _Run:
    series = read_scalars(run.tensorboard)
    lines = {line.label: find(series, line.name) for line in MEASURES}
    steps = max((len(points) for points in lines.values()), default=0)
    if not steps:
        raise NoSuchTraining(f"{run.root} has not logged a step yet")
    manifest = run.read_manifest()
    return _Run(manifest.config.name, manifest.identity(), steps, lines)


def _panels(runs: Sequence[_Run]) -> Svg:
    drawn: list[Svg] = []
    for line in MEASURES:
        known = [(run.name, points) for run in runs if (points := run.lines[line.label])]
        if known:
            row, column = divmod(len(drawn), _COLUMNS)
            name = words(line.label, 58, 14, "heading")
            chart = element("g", plot(line.label, known), transform="translate(0 26)")
            place = f"translate({column * _WIDE:g} {row * _TALL:g})"
            drawn.append(element("g", name, chart, transform=place))
    rows = -(-len(drawn) // _COLUMNS)
    told = f"{', '.join(run.name for run in runs)}: mean of a step's episodes, by step."
    return figure(_COLUMNS * _WIDE, rows * _TALL, "Training", told, *drawn)


def _markdown(runs: Sequence[_Run]) -> str:
    columns = [Column(run.name) for run in runs]
    quarters = [compare_quarters(run.lines) for run in runs]
    measured = [
        Row(line.label, [_told(quarter.get(line.label)) for quarter in quarters])
        for line in MEASURES
    ]
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    set_apart = [key for key in keys if len({repr(run.settings.get(key)) for run in runs}) > 1]
    settings = [
        Row(key, [Value(str(run.settings.get(key, ""))) for run in runs]) for key in set_apart
    ]
    steps = Row("steps logged", [Value(f"{run.steps:,}") for run in runs])
    tables = [
        ("Episodes", Table("episodes", _CAPTION, "mean of", columns, measured)),
        ("Settings", Table("settings", _DIFFERENT, "", columns, [steps, *settings])),
    ]
    page = markdown_page("Training runs side by side", [], tables)
    return f"{page}\n![Curves of all runs](curves.svg)\n"


def _told(quarter: Quarter | None) -> Value:
    return Value("" if quarter is None else f"{quarter.first:.3g} to {quarter.last:.3g}")
