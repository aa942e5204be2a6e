"""A figure as a test reads it: what was drawn, and where its axis says that it lies."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

__all__ = ["SPACE", "marked", "paths", "scale", "words"]

SPACE = "{http://www.w3.org/2000/svg}"
Corner = tuple[float, float]


def marked(svg: str, kind: str) -> list[ElementTree.Element]:
    """All groups of a class, in the order in which they were drawn."""
    root = ElementTree.fromstring(svg)
    return [group for group in root.iter(f"{SPACE}g") if group.get("class") == kind]


def paths(svg: str, kind: str) -> list[list[Corner]]:
    """The corners of the first path of every group of a class."""
    return [_corners(group) for group in marked(svg, kind)]


def words(svg: str) -> list[str]:
    """Every line of text."""
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SPACE}text")]


def scale(svg: str, along: int) -> Callable[[float], float]:
    """From places to shares, as the numbers on the first axis of shares say; `along` x is 0."""
    places: dict[float, float] = {}
    for group in ElementTree.fromstring(svg).iter(f"{SPACE}g"):
        told = [text.text or "" for text in group.iter(f"{SPACE}text")]
        drawn = group.find(f".//{SPACE}path")
        if len(told) == 1 and re.fullmatch(r"\d+%", told[0]) and drawn is not None:
            first, last = _corners(group)
            if first[along] == last[along]:
                places.setdefault(float(told[0][:-1]) / 100, first[along])
    low, high = min(places), max(places)
    share = (high - low) / (places[high] - places[low])
    return lambda place: low + (place - places[low]) * share


def _corners(group: ElementTree.Element) -> list[Corner]:
    path = next(group.iter(f"{SPACE}path"))
    found = re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", path.attrib["d"])
    return [(float(x), float(y)) for x, y in found]
