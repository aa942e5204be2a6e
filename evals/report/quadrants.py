"""The quadrant picture: right or wrong against grounded or not, as areas."""

from __future__ import annotations

from typing import Final

from videoseal.evals.report.marks import words
from videoseal.evals.report.numbers import percent
from videoseal.evals.report.svg import Svg, element, figure
from videoseal.evals.scoring.scores import Quadrants

__all__ = ["QUADRANTS", "quadrant_chart"]

QUADRANTS: Final = {
    "right-grounded": "right and grounded",
    "right-ungrounded": "right and not grounded",
    "wrong-grounded": "wrong and grounded",
    "wrong-ungrounded": "wrong and not grounded",
}
"""Every quadrant by the name of its link and colour, in the order of `Quadrants`."""
_WIDTH: Final = 216.0
_HEIGHT: Final = 168.0
_TOP: Final = 22.0
_GAP: Final = 4.0


def quadrant_chart(title: str, found: Quadrants, cell: int) -> Svg:
    """Four areas: a column is as wide as its share of right or wrong, and split by grounded.

    Every area links to its samples of the system number `cell`.
    """
    total = sum(found)
    counts = dict(zip(QUADRANTS, found, strict=True))
    right = found.right_grounded + found.right_ungrounded
    shares = {"right": right / total, "wrong": 1 - right / total}
    parts: list[Svg] = []
    x = 0.0
    for name, share in shares.items():
        wide = share * (_WIDTH - _GAP)
        y = _TOP
        for kind in (f"{name}-ungrounded", f"{name}-grounded"):
            tall = _HEIGHT * counts[kind] / (share * total) if share else 0.0
            if counts[kind]:
                parts.append(_area(kind, counts[kind], total, (x, y, wide, tall), cell))
            y += tall
        x += wide + _GAP
    if shares["right"]:
        parts.append(words(f"right {percent(shares['right'])}%", 0, 14, "soft"))
    if shares["wrong"]:
        parts.append(words(f"wrong {percent(shares['wrong'])}%", _WIDTH, 14, "soft end"))
    told = ", ".join(f"{words_} {counts[kind]}" for kind, words_ in QUADRANTS.items())
    return figure(_WIDTH, _TOP + _HEIGHT, title, told, *parts, role="group")


def _area(
    kind: str, count: int, total: int, box: tuple[float, float, float, float], cell: int
) -> Svg:
    x, y, wide, tall = box
    named = QUADRANTS[kind]
    inside: list[Svg] = [
        element("title", f"{named}: {count} of {total}"),
        element("rect", class_=f"area {kind}", x=x, y=y + 1, width=wide, height=max(1.0, tall - 2)),
    ]
    if wide > 34 and tall > 18:
        inside.append(words(str(count), x + wide / 2, y + tall / 2 + 5, f"count on-{kind}"))
    return element(
        "a", *inside, href=f"#samples/{cell}/{kind}", aria_label=f"{named}: list {count} samples"
    )
