"""The one figure of an experiment, and its numbers as a table with differences to the baseline."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from videoseal.evals.experiments.experiment import EXPERIMENT, Experiment, load_experiment, value_of
from videoseal.evals.manifest import SystemSpec as Asked
from videoseal.evals.report.house_style import (
    Figure,
    canvas,
    colour,
    finish,
    grid,
    look,
    paint,
    shares,
    short,
    small,
    whisker,
    write_figures,
)
from videoseal.evals.report.markdown import markdown_page
from videoseal.evals.report.numbers import amount, interval, percent, points, points_interval
from videoseal.evals.report.tables import Column, Table, TableRow, Value
from videoseal.evals.scoring.compare import difference
from videoseal.evals.scoring.scores import MEASURES
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import System

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["experiment_figure", "experiment_figures", "write_figure"]

_SPENT: Final = {"steps": "planner steps", "frames": "frames shown", "prompt_tokens": "tokens in"}
_LINE: Final = 108
"""Letters that a figure is wide."""


class _Placed(NamedTuple):
    """A system that was asked, beside what the experiment says of it."""

    asked: Asked
    system: System
    place: int
    """On the horizontal axis, whose places are evenly spaced."""
    series: int
    """Marks of one are joined where the places are numbers."""
    colour: int


def experiment_figures(runs: Sequence[Path], systems: Sequence[System]) -> list[Figure]:
    """The figure of every run that is an experiment; SettingsError for a damaged file."""
    found: list[Figure | None] = []
    for run in runs:
        path = run / EXPERIMENT
        if path.is_file():
            mine = [system for system in systems if system.folder == run]
            experiment = load_experiment(path).experiment
            found.append(experiment_figure(experiment, mine, f"experiment-{len(found) + 1}"))
    return [figure for figure in found if figure is not None]


def experiment_figure(
    experiment: Experiment, systems: Sequence[System], name: str = "experiment"
) -> Figure | None:
    """The figure with its table; None before any system of the experiment has a record."""
    known = {(system.key.mode, system.key.variant): system for system in systems}
    asked = [one for one in experiment.systems() if (one.mode, one.variant) in known]
    if not asked:
        return None
    spec = experiment.figure
    values = list(dict.fromkeys(value_of(one, spec.x) for one in asked))
    if joined := all(map(_is_number, values)):
        values.sort()
    families = list(dict.fromkeys(value_of(one, spec.series) for one in asked))
    placed = [
        _place(one, known[one.mode, one.variant], values, families, experiment) for one in asked
    ]
    labels = [short(_text(value), 24) for value in values]
    columns = 3 if len(spec.y) == 3 else min(2, len(spec.y))
    if columns * len(labels) * (max(map(len, labels)) + 1) > _LINE:
        columns = 1
    with canvas(0.6 + 2.3 * -(-len(spec.y) // columns)) as drawing:
        panels = grid(drawing, len(spec.y), columns, sharey=True)
        for axes, measure in zip(panels, spec.y, strict=True):
            _panel(axes, measure, placed, _LINE // columns, joined=joined)
            axes.set_xticks(range(len(labels)), labels)
            axes.set_xlim(-0.5, len(labels) - 0.5)
        if len(families) > 1 and spec.series != spec.x:
            for one in {one.series: one for one in placed}.values():
                label = short(_text(families[one.series]))
                panels[0].plot([], [], "", label=label, **look(one.colour))
        if any(axes.get_legend_handles_labels()[0] for axes in panels):
            drawing.legend(loc="outside upper left", ncols=4)
        label = spec.label or spec.x.rpartition(".")[2].replace("_", " ")
        drawing.supxlabel(label, **small())
        note = f"{experiment.about} {spec.note}".strip()
        note += (
            " Marks have 95% intervals clustered by video; values of the axis are evenly spaced."
        )
        table = _table(experiment, placed, name)
        return finish(drawing, name, experiment.title, note, table=table)


def write_figure(figure: Figure, folder: Path) -> list[Path]:
    """The figure as `figure.svg` and `figure.pdf`, its table as `figure.md`; what was written."""
    numbers = folder / "figure.md"
    tables = [("Numbers", figure.table)] if figure.table else []
    numbers.write_text(markdown_page(figure.title, [figure.note], tables), encoding="utf-8")
    return [*write_figures([figure._replace(name="figure")], folder), numbers]


def _place(
    asked: Asked, system: System, values: list[Any], families: list[Any], experiment: Experiment
) -> _Placed:
    place = values.index(value_of(asked, experiment.figure.x))
    series = families.index(value_of(asked, experiment.figure.series))
    # A mode has the colour that it has everywhere on the page.
    by_mode = experiment.figure.series == "mode"
    return _Placed(asked, system, place, series, system.colour if by_mode else series)


def _panel(
    axes: Axes, measure: str, placed: Sequence[_Placed], letters: int, *, joined: bool
) -> None:
    """One measure: a mark with its interval a system, and its number where there is room."""
    shares(axes, "y")
    axes.set_title(measure, pad=26)
    note = textwrap.wrap(MEASURES[measure].note, letters, max_lines=2, placeholder=" \u2026")
    axes.text(0, 1.03, "\n".join(note), transform=axes.transAxes, **small())
    chances = [one.system.scores["chance"].mean for one in placed]
    if measure == "accuracy" and not math.isnan(chance := max(chances)):
        axes.axhline(chance, color=paint()["ink"], linestyle=":", label="a uniform guess")
    alone = len({one.place for one in placed}) == len(placed)
    count = max(one.series for one in placed) + 1
    for turn in range(count):
        aside = 0.0 if alone else min(0.2, 1 / (count + 1)) * (turn - (count - 1) / 2)
        mine = sorted((o for o in placed if o.series == turn), key=lambda one: one.place)
        known = [one for one in mine if one.system.scores[measure].n]
        if joined and known:
            rates = [one.system.scores[measure].mean for one in known]
            axes.plot([one.place + aside for one in known], rates, color=colour(known[0].colour))
        for one in mine:
            _mark(axes, one.place + aside, one.system.scores[measure], one.colour, told=alone)


def _mark(axes: Axes, x: float, found: Estimate, number: int, *, told: bool) -> None:
    if not found.n:
        axes.text(x, 0.02, "\u2013", ha="center", gid="mark", **small())
        return
    whisker(axes, x, found, colour(number), upright=True)
    axes.plot(x, found.mean, clip_on=False, gid="mark", **look(number))
    if told:
        top = found.mean if math.isnan(found.high) else max(found.mean, found.high)
        axes.annotate(percent(found.mean), (x, top), (0, 4), textcoords="offset points",
                      ha="center", size=7)  # fmt: skip


def _table(experiment: Experiment, placed: Sequence[_Placed], name: str) -> Table:
    wanted = (experiment.baseline.mode, experiment.baseline.variant)
    base = next((p for p in placed if (p.asked.mode, p.asked.variant) == wanted), None)
    measures = experiment.figure.y
    rows = [
        TableRow(
            p.system.label,
            [
                *(_rate(p.system, measure) for measure in measures),
                *(_minus(p, base, measure) for measure in measures if base),
                Value(f"{p.system.counts['asked']:,}"),
                *(Value(f"{p.system.counts[n]:,}") for n in ("forced", "abstained", "errored")),
                *(Value(amount(p.system.spending[kind].mean)) for kind in _SPENT),
            ],
        )
        for p in placed
    ]
    against = f"minus {base.system.label}" if base else ""
    return Table(
        name,
        "Rates in per cent; differences to the baseline in percentage points, question by question,"
        " with 95% intervals clustered by video; costs are means of a question.",
        "system",
        [
            *(Column(measure) for measure in measures),
            *(Column(measure, against) for measure in measures if base),
            *(Column(name) for name in ("asked", "forced", "abstained", "errored")),
            *(Column(title) for title in _SPENT.values()),
        ],
        rows,
    )


def _rate(system: System, measure: str) -> Value:
    estimate = system.scores[measure]
    return Value(percent(estimate.mean), interval(estimate))


def _minus(placed: _Placed, base: _Placed | None, measure: str) -> Value:
    if base is None or placed is base:
        return Value("baseline")
    found = difference(placed.system, base.system, measure).difference
    return Value(points(found), points_interval(found))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    if value is None:
        return "as the run"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
