"""Figures say what the scores say, wherever they are shown; numbers and tables are plain text."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import pytest

from tests.evals.made import renumbered
from tests.evals.report.drawn import paths, scale, words
from videoseal.core.errors import MissingDependency
from videoseal.evals.report.figures import (
    accuracy_figure,
    quadrant_figure,
    report_figures,
    risk_figure,
)
from videoseal.evals.report.house_style import Figure, thin, write_figures
from videoseal.evals.report.markdown import markdown_table
from videoseal.evals.report.numbers import amount, interval, p_value, percent, points
from videoseal.evals.report.tables import Column, Table, TableRow, Value
from videoseal.evals.scoring.scores import Quadrants, RiskPoint
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import System, read_systems

NOTHING = Estimate(math.nan, math.nan, math.nan, 0)
HALF = Estimate(0.5, 0.4, 0.6, 20)


@pytest.fixture(scope="module")
def systems(run: Path) -> list[System]:
    return read_systems([run])


@pytest.fixture(scope="module")
def figures(systems: list[System]) -> list[Figure]:
    return report_figures(systems)


def _like(system: System, **scores: Estimate) -> System:
    told = {name.replace("_", " "): estimate for name, estimate in scores.items()}
    return renumbered(system, scores={**system.scores, **told})


@pytest.mark.parametrize("label", ["<script>&\"'$x_1$" + "x" * 500, "_\u5b57\u5e55\x00\x1b\ud800"])
def test_figures_are_well_formed_whatever_the_names(systems: list[System], label: str) -> None:
    """Names are escaped, cut, and never read as formulas; nothing in a figure can run."""
    odd = [renumbered(system, label=label) for system in systems[:2]]
    odd.append(renumbered(_like(odd[0], accuracy=NOTHING, grounded_accuracy=NOTHING), risk=[]))
    figures = report_figures(odd)
    assert {figure.name for figure in figures} >= {"accuracy", "quadrants", "risk", "categories"}
    for figure in figures:
        for text in (figure.svg, figure.markup):
            assert words(text)
            assert not re.search(r"<script|nan|\son\w+=", text.replace("xlink", ""))
        assert figure.pdf.startswith(b"%PDF")
    shown = [word for word in words(figures[0].svg) if word.strip().startswith(label[:2])]
    assert len(shown) == 3
    risk = next(figure for figure in figures if figure.name == "risk")
    assert len([word for word in words(risk.svg) if word == shown[0]]) == 2
    assert all(len(word) <= 34 for word in shown)


def test_interval_ends_where_the_axis_says(systems: list[System], figures: list[Figure]) -> None:
    """Both ends of every interval lie at their numbers, and a bar is as long as its own."""
    figure = figures[0]
    share = scale(figure.svg, 0)
    drawn = {kind: paths(figure.svg, kind) for kind in ("interval", "accuracy", "grounded")}
    for place, system in enumerate(systems):
        accuracy, grounded = system.scores["accuracy"], system.scores["grounded accuracy"]
        ends = [share(x) for x, _ in drawn["interval"][place]]
        assert ends == pytest.approx([accuracy.low, accuracy.high], abs=1e-4)
        for kind, wanted in (("accuracy", accuracy.mean), ("grounded", grounded.mean)):
            across = [share(x) for x, _ in drawn[kind][place]]
            assert (min(across), max(across)) == pytest.approx((0, wanted), abs=1e-4)


@pytest.mark.parametrize("counts", [(1, 0, 0, 0), (1, 1000, 1, 3), (30, 20, 10, 40), (0, 0, 5, 0)])
def test_areas_are_as_large_as_their_shares(
    systems: list[System], counts: tuple[int, int, int, int]
) -> None:
    """Every quadrant that holds a sample has an area of its share of the whole, and a link."""
    figure = quadrant_figure([renumbered(systems[0], quadrants=Quadrants(*counts))])
    assert figure is not None
    kinds = ("right-grounded", "right-ungrounded", "wrong-grounded", "wrong-ungrounded")
    wanted = dict(zip(kinds, counts, strict=True))
    corners = [zip(*one, strict=True) for one in paths(figure.svg, "area")]
    sizes = [(max(x) - min(x)) * (max(y) - min(y)) for x, y in corners]
    assert [size / sum(sizes) for size in sizes] == pytest.approx(
        [count / sum(counts) for count in counts if count], abs=1e-4
    )
    links = dict(re.findall(r'<a href="#samples/0/([\w-]+)" aria-label="([^"]*)"', figure.svg))
    assert {kind: int(re.sub(r"\D", "", told)) for kind, told in links.items()} == {
        kind: count for kind, count in wanted.items() if count
    }


def test_risk_curves_end_at_their_last_point(systems: list[System]) -> None:
    """However long a curve is, it ends where everything is answered; the legend goes by risk."""
    long = [RiskPoint(n / 5000, n / 10000) for n in range(1, 4001)]
    odd = [renumbered(systems[0], risk=long), renumbered(systems[1], risk=[RiskPoint(0.9, 0.7)])]
    figure = risk_figure(odd)
    assert figure is not None
    assert len(figure.svg) < 60_000
    across, up = scale(figure.svg, 0), scale(figure.svg, 1)
    (x, y) = paths(figure.svg, "curve")[1][-1]
    assert (across(x), up(y)) == pytest.approx((0.8, 0.4), abs=1e-4)
    assert [word for word in words(figure.svg) if word.isalpha()] == ["coupled", "decoupled"]


def test_figures_are_the_same_bytes_every_time(
    systems: list[System], figures: list[Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither time nor the reader's own settings change a figure, and it leaves those alone."""
    import matplotlib as mpl

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.setitem(mpl.rcParams, "font.size", 20.0)
    before = dict(mpl.rcParams)
    assert accuracy_figure(systems) == figures[0]
    assert dict(mpl.rcParams) == before


def test_page_has_its_own_colours_and_letters(figures: list[Figure]) -> None:
    """Inside a page every colour but black is a variable, which the dark page sets anew."""
    for figure in figures:
        assert set(re.findall(r"#[0-9a-f]{6}\b", figure.markup)) <= {"#111111"}
        assert "DejaVu" not in figure.markup
        assert "var(" not in figure.svg


def test_figures_are_written_side_by_side(figures: list[Figure], tmp_path: Path) -> None:
    """Each is a file for the screen and one for paper."""
    figure = figures[0]
    files = write_figures([figure], tmp_path / "figures")
    assert [path.name for path in files] == ["accuracy.svg", "accuracy.pdf"]
    assert files[0].read_text("utf-8") == figure.svg
    assert files[1].read_bytes() == figure.pdf


def test_without_the_library_the_error_says_what_to_install(
    systems: list[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Figures alone need it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependency, match="figures need matplotlib"):
        accuracy_figure(systems)


def test_long_lines_are_thinned_to_their_ends() -> None:
    """First and last stay, short lines stay whole, and none is drawn with more than is seen."""
    assert thin(1) == [0]
    assert thin(7) == [*range(7)]
    kept = thin(12_345)
    assert (kept[0], kept[-1]) == (0, 12_344)
    assert 250 < len(kept) <= 300


def test_numbers_are_written_as_papers_do() -> None:
    """One decimal for rates, signs for differences, a dash for what is not known."""
    assert percent(0.12345) == "12.3"
    assert percent(math.nan) == interval(NOTHING) == amount(math.nan) == points(NOTHING) == "\u2013"
    assert interval(HALF) == "40.0\u201360.0"
    assert points(Estimate(-0.05, -0.1, 0.0, 3)) == "\u22125.0"
    assert points(Estimate(-0.0001, -0.1, 0.0, 3)) == "0.0"
    assert [amount(v) for v in (0.0, 0.00123, 1.5, 12.34, 1234.5)] == [
        "0", "0.0012", "1.50", "12.3", "1,234",
    ]  # fmt: skip
    assert (p_value(0.0004), p_value(0.05)) == ("< 0.001", "0.050")


def test_markdown_rows_have_as_many_fields_as_headings() -> None:
    """Small type goes into brackets; a heading in the table keeps its width."""
    table = Table("t", "c", "k", [Column("a", "x"), Column("b")],
                  [TableRow("part", []),
                   TableRow("r|", [Value("1", "2"), Value("3")])])  # fmt: skip
    assert markdown_table(table).splitlines() == [
        "| k | a (x) | b |", "| --- | ---: | ---: |", "| **part** |  |  |", r"| r\| | 1 (2) | 3 |",
    ]  # fmt: skip
