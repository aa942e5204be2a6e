"""Figures, tables and numbers: pure functions that survive odd input."""

from __future__ import annotations

import itertools
import math
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from videoseal.evals.report.risk_curves import BudgetPoint, Curve, budget_chart, risk_chart
from videoseal.evals.report.svg import Scale, Svg, apart, element, nice_ticks

from videoseal.evals.report.figures import Pair, pairs_chart, quadrant_chart
from videoseal.evals.report.markdown import markdown_table
from videoseal.evals.report.numbers import amount, interval, p_value, percent, points
from videoseal.evals.report.tables import Column, Table, TableRow, Value
from videoseal.evals.scoring.scores import Quadrants, RiskPoint
from videoseal.evals.scoring.statistics import Estimate

NOTHING = Estimate(math.nan, math.nan, math.nan, 0)
HALF = Estimate(0.5, 0.4, 0.6, 20)


def _numbers(chart: Svg) -> list[float]:
    """Every coordinate of a chart; ParseError where it is not well formed."""
    found = []
    for node in ElementTree.fromstring(chart).iter():
        for name in ("x", "y", "width", "height", "x1", "x2", "y1", "y2", "cx", "cy"):
            if name in node.attrib:
                found.append(float(node.attrib[name]))
    return found


@pytest.mark.parametrize("label", ["plain", "<script>&\"'", "x" * 500, "\u5b57\u5e55"])
def test_charts_are_well_formed_whatever_the_names(label: str) -> None:
    """Names are escaped and cut; every coordinate is a finite number."""
    risks = [RiskPoint(n / 1000, 0.2) for n in range(1, 1001)]
    for chart in (
        pairs_chart(label, [Pair(label, 0, HALF, NOTHING, 0.25), Pair(label, 9, NOTHING, NOTHING,
                    math.nan)], 500),
        risk_chart(label, [Curve(label, 1, risks), Curve(label, 2, risks[:1])]),
        budget_chart(label, label,
                     [BudgetPoint(label, label, 3, "s", n, 0.5, 0.4) for n in (1, 2)]),
        budget_chart(label, label, [BudgetPoint(label, "", 3, "s", 0.0, 0.5, math.nan)]),
        quadrant_chart(label, Quadrants(1, 0, 0, 0), 0),
        quadrant_chart(label, Quadrants(1, 1000, 1, 3), 0),
    ):  # fmt: skip
        assert all(math.isfinite(number) for number in _numbers(chart))


def test_bar_is_as_long_as_its_number() -> None:
    """Twice the accuracy is twice the bar, and the filled part is what is grounded."""
    whole = Estimate(0.8, math.nan, math.nan, 9)
    chart = pairs_chart("t", [Pair("a", 0, whole, Estimate(0.4, 0.3, 0.5, 9), math.nan)], 500)
    bars = [
        float(node.attrib["width"])
        for node in ElementTree.fromstring(chart).iter("rect")
        if node.attrib["class"].startswith("bar")
    ]
    assert bars[0] == pytest.approx(2 * bars[1], abs=0.02)


@given(st.lists(st.integers(0, 500), min_size=4, max_size=4).filter(any))
def test_areas_are_as_large_as_their_shares(counts: list[int]) -> None:
    """Every quadrant's area is its share of the whole, but for the gaps."""
    chart = quadrant_chart("t", Quadrants(*counts), 0)
    areas = [
        float(node.attrib["width"]) * (float(node.attrib["height"]) + 2)
        for node in ElementTree.fromstring(chart).iter("rect")
    ]
    wanted = [counts[place] / sum(counts) * 212 * 168 for place in (1, 0, 3, 2) if counts[place]]
    assert areas == pytest.approx(wanted, rel=0.05, abs=700)


@given(st.lists(st.floats(0, 300), max_size=12))
def test_labels_never_overlap(wanted: list[float]) -> None:
    """They keep their order and their distance, and stay in the figure while there is room."""
    placed = apart(wanted, 17, 10, 320)
    ordered = sorted(placed)
    assert all(b - a >= 17 - 1e-6 for a, b in itertools.pairwise(ordered))
    assert all(10 - 1e-6 <= place <= 320 + 1e-6 for place in placed)


@given(st.floats(1e-3, 1e9))
def test_ticks_are_round_and_reach_the_top(high: float) -> None:
    """An axis has at least one and at most five steps, evenly spaced from 0."""
    ticks = nice_ticks(high)
    assert ticks[0] == 0
    assert ticks[-1] >= high * (1 - 1e-6)
    assert 2 <= len(ticks) <= 7


def test_scale_of_nothing_does_not_divide_by_it() -> None:
    """A single value lies at the start."""
    assert Scale(3, 3, 10, 90)(3) == 10


def test_elements_escape_text_and_attributes() -> None:
    """Only markup that was built as such stays markup."""
    inner = element("b", "<i>")
    made = element("a", inner, "<x>", href='"><script>', aria_label=None)
    assert made == '<a href="&quot;&gt;&lt;script&gt;"><b>&lt;i&gt;</b>&lt;x&gt;</a>'


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
