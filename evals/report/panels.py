"""Measures of many systems side by side: a panel a measure, a mark with its interval a system."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Final, NamedTuple

from videoseal.evals.report.numbers import interval, percent
from videoseal.evals.report.svg import (
    QUARTERS,
    Scale,
    Svg,
    colour_class,
    element,
    figure,
    marker,
    number,
    path,
    tick_y,
    words,
)
from videoseal.evals.scoring.statistics import Estimate

__all__ = ["Axis", "Mark", "Panel", "Series", "panels_chart"]

_WIDTH: Final = 860.0
_LEFT: Final = 42.0
"""Room for the numbers of the vertical axis."""
_RIGHT: Final = 16.0
_HEAD: Final = 80.0
"""Room for a panel's name and two lines about it."""
_PLOT: Final = 200.0
_FOOT: Final = 38.0
_LEGEND: Final = 30.0
_LETTER: Final = 6.5
"""Width of a letter of a label, roughly."""
_MOST_COLUMNS: Final = 3
_DODGE: Final = 16.0
"""Pixels between marks that stand at the same place."""


class Series(NamedTuple):
    """Marks that belong together."""

    label: str
    colour: int


class Mark(NamedTuple):
    """One measure of one system."""

    system: str
    place: int
    """Which place on the horizontal axis, from 0."""
    series: int
    """Which series, from 0."""
    estimate: Estimate


class Panel(NamedTuple):
    """One measure."""

    measure: str
    note: str
    marks: Sequence[Mark]
    chance: float
    """Where a uniform guess lies; NaN where it is not drawn."""


class Axis(NamedTuple):
    """The horizontal axis of all panels: its places are evenly spaced."""

    label: str
    places: Sequence[str]
    joined: bool
    """Whether the places are numbers, so that marks of a series are joined."""


class _Box(NamedTuple):
    """Where one panel is drawn."""

    left: float
    right: float
    top: float
    foot: float


def panels_chart(
    title: str, panels: Sequence[Panel], axis: Axis, series: Sequence[Series], *, legend: bool
) -> Svg:
    """All panels on the same scale; the legend names the series where the axis does not."""
    columns = _columns(len(panels), axis)
    entries = [*series] if legend else []
    chance = any(not math.isnan(panel.chance) for panel in panels)
    top = _LEGEND if entries or chance else 0.0
    tall = _HEAD + _PLOT + _FOOT
    wide = _WIDTH / columns
    drawn = []
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        y = top + row * tall + _HEAD
        box = _Box(column * wide + _LEFT, (column + 1) * wide - _RIGHT, y, y + _PLOT)
        drawn.append(_panel(panel, box, axis, series))
    foot = top + math.ceil(len(panels) / columns) * tall
    told = "; ".join(_told(panel) for panel in panels)
    below = words(axis.label, _LEFT, foot + 6, "soft", most=120)
    head = _legend(entries, chance=chance)
    return figure(_WIDTH, foot + 16, title, told, head, *drawn, below)


def _columns(panels: int, axis: Axis) -> int:
    """As many panels beside each other as leave room for the labels of the places."""
    longest = max((len(place) for place in axis.places), default=1) * _LETTER + 8
    for columns in range(min(_MOST_COLUMNS, panels), 1, -1):
        slot = (_WIDTH / columns - _LEFT - _RIGHT) / max(1, len(axis.places))
        even = panels <= _MOST_COLUMNS or panels % columns == 0
        if slot >= longest and even:
            return columns
    return 1


def _panel(panel: Panel, box: _Box, axis: Axis, series: Sequence[Series]) -> Svg:
    y = Scale(0, 1, box.foot, box.top)
    slot = (box.right - box.left) / max(1, len(axis.places))
    most = int(slot / _LETTER)
    middles = [box.left + slot * (place + 0.5) for place in range(len(axis.places))]
    parts = [tick_y(y(t), box.left, box.right, f"{round(100 * t)}%") for t in QUARTERS]
    parts += [
        words(text, middle, box.foot + 18, "tick middle", most=most)
        for text, middle in zip(axis.places, middles, strict=True)
    ]
    if not math.isnan(panel.chance):
        at = y(panel.chance)
        parts.append(element("line", class_="chance", x1=box.left, x2=box.right, y1=at, y2=at))
    step = min(_DODGE, slot / (len(series) + 1))
    alone = len({mark.place for mark in panel.marks}) == len(panel.marks)
    for turn, one in enumerate(series):
        aside = 0.0 if alone else step * (turn - (len(series) - 1) / 2)
        mine = sorted(mark for mark in panel.marks if mark.series == turn)
        known = sorted((m for m in mine if m.estimate.n), key=lambda mark: mark.place)
        corners = [(middles[m.place] + aside, y(m.estimate.mean)) for m in known]
        if axis.joined and len(corners) > 1:
            line = f"line {colour_class(one.colour)}"
            parts.append(element("path", class_=line, d=path(corners)))
        parts += [
            _mark(mark, one.colour, middles[mark.place] + aside, y, panel.measure, told=alone)
            for mark in mine
        ]
    return Svg("".join([_heading(panel, box), *parts]))


def _mark(mark: Mark, colour: int, x: float, y: Scale, measure: str, *, told: bool) -> Svg:
    """A marker with its interval; what it stands for is in its title and its attributes."""
    estimate = mark.estimate
    parts = [element("title", f"{mark.system}: {_words(estimate)}")]
    if not estimate.n:
        parts.append(words("\u2013", x, y(0) - 6, "soft middle"))
    else:
        middle, high = y(estimate.mean), estimate.mean
        if not math.isnan(estimate.low):
            high = max(high, estimate.high)
            low = y(estimate.low)
            cap = f"M{number(x - 4)} {{}}h8"
            ends = "".join(cap.format(number(end)) for end in (low, y(estimate.high)))
            line = f"M{number(x)} {number(low)}V{number(y(estimate.high))}{ends}"
            parts.append(element("path", class_=f"spread {colour_class(colour)}", d=line))
        parts.append(marker(colour, x, middle))
        if told:
            parts.append(words(percent(estimate.mean), x, y(high) - 9, "value middle"))
    return element(
        "g", *parts, class_="mark", data_system=mark.system, data_measure=measure,
        data_mean=percent(estimate.mean),
    )  # fmt: skip


def _heading(panel: Panel, box: _Box) -> Svg:
    room = int((box.right - box.left) / (_LETTER - 0.6))
    lines = textwrap.wrap(panel.note, room, max_lines=2, placeholder=" \u2026")
    top = box.top - _HEAD + 14
    parts = [words(panel.measure, box.left, top, "heading")]
    parts += [words(line, box.left, top + 17 + 15 * n, "soft") for n, line in enumerate(lines)]
    return Svg("".join(parts))


def _legend(entries: Sequence[Series], *, chance: bool) -> Svg:
    parts, x = [], _LEFT
    for one in entries:
        parts += [marker(one.colour, x + 5, 9), words(one.label, x + 16, 13.5)]
        x += 16 + 7.6 * len(one.label) + 20
    if chance:
        parts.append(element("line", class_="chance", x1=x, x2=x + 22, y1=9.0, y2=9.0))
        parts.append(words("a uniform guess", x + 28, 13.5, "soft"))
    return Svg("".join(parts))


def _told(panel: Panel) -> str:
    marks = ", ".join(f"{mark.system} {_words(mark.estimate)}" for mark in panel.marks)
    return f"{panel.measure}: {marks}"


def _words(estimate: Estimate) -> str:
    if not estimate.n:
        return "no questions"
    within = "" if math.isnan(estimate.low) else f" ({interval(estimate)})"
    return f"{percent(estimate.mean)}%{within}, n = {estimate.n:,}"
