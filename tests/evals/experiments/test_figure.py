"""The figure of an experiment: a mark a system, where its number says, alone and on the page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from videoseal.evals.report.panels import Axis, Mark, Panel, Series, panels_chart
from videoseal.evals.report.svg import Svg

from tests.evals.report.made_runs import System, make_items, make_run
from tests.evals.report.parsed import parse
from videoseal.evals.experiments.experiment import (
    EXPERIMENT,
    ExperimentError,
    Loaded,
    find_experiment,
    load_experiment,
)
from videoseal.evals.report.experiment_figure import (
    experiment_figure,
    experiment_figures,
    figure_alone,
)
from videoseal.evals.report.numbers import percent, points
from videoseal.evals.report.page import Figure
from videoseal.evals.report.system_summary import System as Scored
from videoseal.evals.report.system_summary import systems_of
from videoseal.evals.report.write import write_report
from videoseal.evals.scoring.compare import difference
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import read_systems

SPACE = "{http://www.w3.org/2000/svg}"


class Made(NamedTuple):
    """A made-up run of the experiment on budgets."""

    loaded: Loaded
    run: Path
    systems: list[Scored]
    figure: Figure


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Five budgets of two modes on 33 questions."""
    loaded = load_experiment(find_experiment("budget"))
    systems = [
        System(cell.mode, cell.variant, sees=0.2 + 0.07 * number)
        for number, cell in enumerate(loaded.experiment.systems())
    ]
    run = make_run(tmp_path_factory.mktemp("runs") / "budget", systems, make_items(33, 5))
    (run / EXPERIMENT).write_text(loaded.text)
    scored = systems_of(read_systems([run]))
    (figure,) = experiment_figures([run], scored)
    return Made(loaded, run, scored, figure)


def _marks(picture: Svg) -> list[ElementTree.Element]:
    return [g for g in ElementTree.fromstring(picture).iter("g") if g.get("class") == "mark"]


def _middle(mark: ElementTree.Element) -> tuple[float, float]:
    """Of the marker: a circle, or the square of the second series."""
    for node in mark:
        if node.tag == "circle":
            return float(node.attrib["cx"]), float(node.attrib["cy"])
        if node.tag == "rect":
            half = float(node.attrib["width"]) / 2
            return float(node.attrib["x"]) + half, float(node.attrib["y"]) + half
    raise AssertionError("no marker")


def test_every_system_has_one_mark_a_measure_with_its_number(made: Made) -> None:
    """Nothing is left out, nothing drawn twice, and the numbers are those of the report."""
    marks = _marks(made.figure.pictures[0][1])
    told = {(m.get("data-system"), m.get("data-measure")): m.get("data-mean") for m in marks}
    measures = made.loaded.experiment.figure.y
    wanted = {
        (system.label, measure): percent(system.scores[measure].mean)
        for system in made.systems
        for measure in measures
    }
    assert told == wanted
    assert len(marks) == len(wanted) == 30
    assert len(set(wanted.values())) > 10


def test_marks_stand_where_their_numbers_say(made: Made) -> None:
    """Height is the rate on one scale for all panels; budgets go from small to large."""
    panels: dict[str, list[ElementTree.Element]] = {}
    for mark in _marks(made.figure.pictures[0][1]):
        panels.setdefault(str(mark.get("data-measure")), []).append(mark)
    for marks in panels.values():
        points_at = [(float(str(m.get("data-mean"))) / 100, _middle(m)[1]) for m in marks]
        (low, foot), (high, top) = min(points_at), max(points_at)
        scale = (top - foot) / (high - low)
        assert scale == pytest.approx(-200, abs=0.5)
        assert all(y == pytest.approx(foot + scale * (v - low), abs=0.4) for v, y in points_at)
        for mode in ("decoupled", "coupled"):
            mine = [m for m in marks if str(m.get("data-system")).startswith(mode)]
            budgets = [int(str(m.get("data-system")).rpartition("=")[2]) for m in mine]
            across = [_middle(m)[0] for m in mine]
            order = sorted(range(5), key=lambda at: budgets[at])
            assert [across[at] for at in order] == sorted(across)


def test_intervals_are_drawn_as_they_are(made: Made) -> None:
    """A whisker ends at both ends of its 95 % interval."""
    system = made.systems[0]
    estimate = system.scores["accuracy"]
    mark = next(
        m for m in _marks(made.figure.pictures[0][1])
        if (m.get("data-system"), m.get("data-measure")) == (system.label, "accuracy")
    )  # fmt: skip
    drawn = mark.find("path[@class='spread c0']")
    assert drawn is not None
    first, last = drawn.attrib["d"].removeprefix("M").split("M")[0].split(" ")[1].split("V")
    assert float(first) - float(last) == pytest.approx(200 * (estimate.high - estimate.low), abs=1)


def test_table_has_the_paired_difference_to_the_baseline(made: Made) -> None:
    """Question by question against the system that the file names."""
    table = made.figure.table
    assert table is not None
    base = next(s for s in made.systems if s.label == "decoupled \u00b7 steps=16")
    headings = [(column.text, column.small) for column in table.columns]
    at = headings.index(("accuracy", "minus decoupled \u00b7 steps=16"))
    rows = {row.label: row.values for row in table.rows}
    assert list(rows) == [
        f"{mode} \u00b7 steps={steps}"
        for mode in ("decoupled", "coupled")
        for steps in (1, 2, 4, 8, 16)
    ]
    for system in made.systems:
        found = difference(system, base, "accuracy").difference
        wanted = "baseline" if system is base else points(found)
        assert rows[system.label][at].text == wanted


def test_figure_stands_alone(made: Made) -> None:
    """The file is well formed, draws the same marks, and asks for nothing outside itself."""
    text = figure_alone("A < B", made.figure.pictures[0][1])
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SPACE}svg"
    assert len([g for g in root.iter(f"{SPACE}g") if g.get("class") == "mark"]) == 30
    assert "var(" not in text
    assert "url(" not in text
    assert "A &lt; B" in text
    assert float(root.attrib["width"]) > 860


def test_report_of_the_run_begins_with_it(made: Made, tmp_path: Path) -> None:
    """Page and Markdown show figure and numbers without being told of the experiment."""
    files = write_report([made.run], tmp_path)
    page = parse(files.html)
    shown = [e for tag, e in page.elements if tag == "g" and e.get("class") == "mark"]
    assert len(shown) == 30
    table = page.table("experiment-1")
    assert (
        table["decoupled \u00b7 steps=16"]["accuracy|minus decoupled \u00b7 steps=16"] == "baseline"
    )
    text = files.markdown.read_text("utf-8")
    assert "## Accuracy against the search budget" in text
    assert text.count("baseline |") >= 3


def test_systems_that_were_not_asked_yet_are_left_out(made: Made) -> None:
    """A broken-off experiment draws what there is; without its baseline no differences."""
    loaded = made.loaded.experiment
    some = [s for s in made.systems if s.key.variant == "steps=2"]
    figure = experiment_figure(loaded, some)
    assert figure is not None
    assert figure.table is not None
    assert len(_marks(figure.pictures[0][1])) == 6
    assert not any("minus" in column.small for column in figure.table.columns)
    assert experiment_figure(loaded, []) is None


def test_damaged_experiment_of_a_run_is_named(made: Made, tmp_path: Path) -> None:
    """The report says what is wrong with the file beside the records."""
    (tmp_path / EXPERIMENT).write_text(made.loaded.text.replace("series: mode", "series: moods"))
    with pytest.raises(ExperimentError, match=r"experiment\.yaml:\d+: figure\.series"):
        experiment_figures([tmp_path], made.systems)


@pytest.mark.parametrize("label", ["plain", "<script>&\"'", "x" * 200, "\u5b57\u5e55"])
def test_panels_are_well_formed_whatever_the_names(label: str) -> None:
    """Names are escaped and cut, a measure of nothing is a dash, coordinates are finite."""
    nothing = Estimate(math.nan, math.nan, math.nan, 0)
    alone = Estimate(0.0, math.nan, math.nan, 3)
    marks = [Mark(label, 0, 0, nothing), Mark(label, 1, 0, alone), Mark(label, 1, 1, alone)]
    panels = [Panel(label, label, marks, math.nan), Panel(label, "", [], 0.25)]
    chart = panels_chart(
        label, panels, Axis(label, [label, label], True), [Series(label, 0), Series(label, 9)],
        legend=True,
    )  # fmt: skip
    assert "nan" not in chart
    assert len(_marks(chart)) == 3
