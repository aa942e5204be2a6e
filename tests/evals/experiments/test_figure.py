"""The figure of an experiment: a mark a system, where its number says, alone and on the page."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.evals.made import renumbered
from tests.evals.report.drawn import SPACE, marked, paths, scale, words
from tests.evals.report.made_runs import System, make_items, make_run
from tests.evals.report.parsed import parse
from videoseal.core.errors import SettingsError
from videoseal.evals.experiments.experiment import (
    EXPERIMENT,
    Loaded,
    find_experiment,
    load_experiment,
)
from videoseal.evals.report.experiment_figure import (
    experiment_figure,
    experiment_figures,
    write_figure,
)
from videoseal.evals.report.house_style import Figure
from videoseal.evals.report.numbers import points
from videoseal.evals.report.write import write_report
from videoseal.evals.scoring.compare import difference
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import System as Scored
from videoseal.evals.scoring.systems import read_systems


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
    scored = read_systems([run])
    (figure,) = experiment_figures([run], scored)
    return Made(loaded, run, scored, figure)


def test_every_system_has_one_mark_a_measure_where_its_number_says(made: Made) -> None:
    """Marks of every panel and series go from small to large budgets, each as high as its rate."""
    share = scale(made.figure.svg, 1)
    marks = [
        (float(mark.attrib["x"]), share(float(mark.attrib["y"])))
        for group in marked(made.figure.svg, "mark")
        for mark in group.iter(f"{SPACE}use")
    ]
    budgets = sorted(made.systems, key=lambda one: int(one.key.variant.rpartition("=")[2]))
    for measure in made.loaded.experiment.figure.y:
        for mode in ("decoupled", "coupled"):
            mine, marks = marks[:5], marks[5:]
            rates = [s.scores[measure].mean for s in budgets if s.key.mode == mode]
            assert [y for _, y in mine] == pytest.approx(rates, abs=1e-4)
            assert [x for x, _ in mine] == sorted({x for x, _ in mine})
    assert marks == []


def test_intervals_are_drawn_as_they_are(made: Made) -> None:
    """A whisker ends at both ends of its 95 % interval."""
    share = scale(made.figure.svg, 1)
    estimate = made.systems[0].scores["accuracy"]
    ends = [share(y) for _, y in paths(made.figure.svg, "interval")[0]]
    assert ends == pytest.approx([estimate.low, estimate.high], abs=1e-4)


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


def test_figure_stands_alone(made: Made, tmp_path: Path) -> None:
    """For the screen, for paper, and as numbers; nothing in it asks for anything outside."""
    files = write_figure(made.figure, tmp_path)
    assert [path.name for path in files] == ["figure.svg", "figure.pdf", "figure.md"]
    text = files[0].read_text("utf-8")
    assert len(marked(text, "mark")) == 30
    assert not re.search(r"var\(|url\((?!#)|href=\"(?!#)", text)
    assert files[1].read_bytes().startswith(b"%PDF")
    assert files[2].read_text("utf-8").startswith("# Accuracy against the search budget")


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
    assert len(marked(figure.svg, "mark")) == 6
    assert not any("minus" in column.small for column in figure.table.columns)
    assert experiment_figure(loaded, []) is None


def test_damaged_experiment_of_a_run_is_named(made: Made, tmp_path: Path) -> None:
    """The report says what is wrong with the file beside the records."""
    (tmp_path / EXPERIMENT).write_text(made.loaded.text.replace("series: mode", "series: moods"))
    with pytest.raises(SettingsError, match=r"experiment\.yaml:\d+: figure\.series"):
        experiment_figures([tmp_path], made.systems)


def test_measure_of_nothing_is_a_dash(made: Made) -> None:
    """Names are escaped, and a rate over no questions is told from one of 0."""
    nothing = Estimate(math.nan, math.nan, math.nan, 0)
    odd = [
        renumbered(system, label="<script>", scores={**system.scores, "accuracy": nothing})
        for system in made.systems[:3]
    ]
    some = made.loaded.experiment.model_copy(update={"modes": ["decoupled"]})
    figure = experiment_figure(some, odd)
    assert figure is not None
    assert words(figure.svg).count("\u2013") == 3
    assert len(marked(figure.svg, "mark")) == 9
    assert "<script" not in figure.svg
    assert "nan" not in figure.svg
