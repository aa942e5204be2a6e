"""The one figure of an experiment, and its numbers as a table with differences to the baseline."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree

from videoseal.evals.experiments.experiment import EXPERIMENT, Experiment, load_experiment, value_of
from videoseal.evals.manifest import SystemSpec as Asked
from videoseal.evals.report.markdown import markdown_page
from videoseal.evals.report.numbers import amount, interval, percent, points, points_interval
from videoseal.evals.report.page import Figure
from videoseal.evals.report.panels import Axis, Mark, Panel, Series, panels_chart
from videoseal.evals.report.svg import Svg, element, number, words
from videoseal.evals.report.system_summary import System
from videoseal.evals.report.tables import Column, Table, TableRow, Value, measure_note
from videoseal.evals.scoring.compare import difference

__all__ = ["FigureFiles", "experiment_figure", "experiment_figures", "figure_alone",
           "write_figure"]  # fmt: skip

_TEMPLATES: Final = Path(__file__).parent / "templates"
_MARGIN: Final = 16.0
"""Around a figure that stands alone."""
_TITLE: Final = 48.0
"""Room above it for its title."""
_SPENT: Final = {"steps": "planner steps", "frames": "frames shown", "prompt_tokens": "tokens in"}


class FigureFiles(NamedTuple):
    """What was written."""

    picture: Path
    numbers: Path


class _Placed(NamedTuple):
    """A system that was asked, beside what the experiment says of it."""

    asked: Asked
    system: System


def experiment_figures(runs: Sequence[Path], systems: Sequence[System]) -> list[Figure]:
    """The figure of every run that is an experiment; ExperimentError for a damaged file."""
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
    placed = [
        _Placed(system, known[system.mode, system.variant])
        for system in experiment.systems()
        if (system.mode, system.variant) in known
    ]
    if not placed:
        return None
    note = f"{experiment.about} {experiment.figure.note}".strip()
    note += " Marks have 95% intervals clustered by video; values of the axis are evenly spaced."
    picture = _draw(experiment, placed)
    return Figure(name, experiment.title, note, [("", picture)], _table(experiment, placed, name))


def figure_alone(title: str, picture: Svg) -> str:
    """The figure as a file of its own, with its title, in the colours of paper."""
    tokens = dict(re.findall(r"--([\w-]+):\s*([^;]+);", _read("tokens.css").partition("@media")[0]))
    style = re.sub(r"var\(--([\w-]+)\)", lambda found: tokens[found[1]], _read("chart.css"))
    style = re.sub(r"/\*.*?\*/\s*", "", style)
    root = ElementTree.fromstring(picture)  # noqa: S314  our own markup
    _, _, wide, tall = map(float, root.attrib["viewBox"].split())
    return element(
        "svg",
        element("style", Svg(style)),
        element("rect", width="100%", height="100%", fill=tokens["paper"]),
        words(title, _MARGIN + 42, _MARGIN + 12, "title"),
        element("g", picture, transform=f"translate({number(_MARGIN)} {number(_TITLE)})"),
        xmlns="http://www.w3.org/2000/svg",
        class_="chart",
        width=wide + 2 * _MARGIN,
        height=tall + _TITLE + _MARGIN,
    )


def write_figure(figure: Figure, folder: Path) -> FigureFiles:
    """The figure as `figure.svg` and its table as `figure.md`."""
    files = FigureFiles(folder / "figure.svg", folder / "figure.md")
    (_, picture), *_ = figure.pictures
    tables = [("Numbers", figure.table)] if figure.table else []
    files.picture.write_text(figure_alone(figure.title, picture), encoding="utf-8")
    files.numbers.write_text(markdown_page(figure.title, [figure.note], tables), encoding="utf-8")
    return files


def _draw(experiment: Experiment, placed: Sequence[_Placed]) -> Svg:
    spec = experiment.figure
    values = _values(placed, spec.x)
    families = list(dict.fromkeys(str(value_of(p.asked, spec.series)) for p in placed))
    series = [
        Series(_text(family), _colour(placed, spec.series, family, turn))
        for turn, family in enumerate(families)
    ]
    panels = [
        Panel(
            measure,
            measure_note(measure),
            [
                Mark(
                    p.system.label,
                    values.index(value_of(p.asked, spec.x)),
                    families.index(str(value_of(p.asked, spec.series))),
                    p.system.scores[measure],
                )
                for p in placed
            ],
            _chance(placed) if measure == "accuracy" else float("nan"),
        )
        for measure in spec.y
    ]
    label = spec.label or spec.x.rpartition(".")[2].replace("_", " ")
    axis = Axis(label, [_text(value) for value in values], all(map(_is_number, values)))
    legend = len(series) > 1 and spec.series != spec.x
    return panels_chart(experiment.title, panels, axis, series, legend=legend)


def _values(placed: Sequence[_Placed], axis: str) -> list[Any]:
    """The places of the axis: numbers by size, all else in the order of the file."""
    values = list(dict.fromkeys(value_of(p.asked, axis) for p in placed))
    return sorted(values) if all(map(_is_number, values)) else values


def _colour(placed: Sequence[_Placed], axis: str, family: str, turn: int) -> int:
    """A mode has the colour that it has everywhere on the page."""
    if axis != "mode":
        return turn
    return next(p.system.colour for p in placed if p.asked.mode == family)


def _chance(placed: Sequence[_Placed]) -> float:
    """Of a uniform guess, where all systems were asked questions."""
    return max((p.system.scores["chance"].mean for p in placed), default=float("nan"))


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


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
