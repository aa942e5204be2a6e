"""TTML, DFXP and SAMI: timed elements, read as leniently as browsers read a page."""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from videoseal.indexing.subtitles.cues import CueFault, ParsedCues, RawCue, closed

__all__ = ["is_sami", "is_ttml", "read_sami", "read_ttml"]

_SAMI: Final = re.compile(r"<(?:sami|sync)[\s>]", re.IGNORECASE)
_TTML: Final = re.compile(r"<(?:\w+:)?(?:tt|timedtext)[\s>]")
_OFFSET: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)(h|ms|m|s|f|t)?\s*")
_CLOCK: Final = re.compile(r"\s*(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)(?::(\d+(?:\.\d+)?))?\s*")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_RATE: Final = 30.0
"""Frames a second where a TTML file does not say (W3C TTML1, 6.2.4)."""

_Attributes = list[tuple[str, str | None]]


def is_sami(text: str) -> bool:
    """Whether a text is SAMI."""
    return bool(_SAMI.search(text))


def is_ttml(text: str) -> bool:
    """Whether a text is TTML of any age."""
    return bool(_TTML.search(text))


def read_sami(text: str) -> ParsedCues:
    """The lines of all languages; each lasts until the next of its own, which may be empty."""
    reader = _Sami()
    reader.feed(text)
    reader.close()
    cues = [cue for track in reader.tracks.values() for cue in closed(track)]
    return ParsedCues(cues, reader.faults)


def read_ttml(text: str) -> ParsedCues:
    """The timed paragraphs and spans; times count from the start of what they lie in."""
    reader = _Ttml()
    reader.feed(text)
    reader.close()
    return ParsedCues([*reader.cues, *closed(reader.endless)], reader.faults)


class _Reader(HTMLParser):
    """Collects what cannot be read; text is passed on with its signs escaped again."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[CueFault] = []

    def fail(self, what: str) -> None:
        self.faults.append(CueFault(self.getpos()[0], what))

    def add(self, text: str) -> None:
        """Take in escaped text."""

    def handle_data(self, data: str) -> None:
        self.add(html.escape(data.replace("\n", " "), quote=False))

    def unknown_decl(self, data: str) -> None:
        if data.startswith("CDATA["):
            self.handle_data(data.removeprefix("CDATA["))


class _Sami(_Reader):
    def __init__(self) -> None:
        super().__init__()
        self.tracks: dict[str, list[tuple[int, float, str]]] = {}
        self._start: float | None = None
        self._language = ""

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        given = {name: (value or "").strip() for name, value in attrs}
        if tag == "sync":
            self._start, self._language = _milliseconds(given.get("start", "")), ""
            if self._start is None:
                self.fail(f"cannot read the time {given.get('start', '')!r:.40}")
        elif tag == "p":
            self._language = given.get("class", "").lower()
            self.add("\n")
        elif tag == "br":
            self.add("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("body", "sami"):
            self._start = None

    def add(self, text: str) -> None:
        if self._start is None:
            return
        track = self.tracks.setdefault(self._language, [])
        if track and track[-1][1] == self._start:
            text = track.pop()[2] + text
        track.append((self.getpos()[0], self._start, text))


def _milliseconds(text: str) -> float | None:
    return float(text) / 1000 if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


@dataclass
class _Element:
    """An open element of TTML."""

    tag: str
    place: int
    start: float
    end: float | None
    timed: bool
    """Whether it or what it lies in has a time."""
    in_turn: bool
    """Whether its children follow each other instead of counting from its own start."""
    next_start: float
    text: list[str]


class _Ttml(_Reader):
    def __init__(self) -> None:
        super().__init__()
        self.cues: list[RawCue] = []
        self.endless: list[tuple[int, float, str]] = []
        self._rates = {"f": _RATE, "t": _RATE}
        self._open = [_Element("", 1, 0.0, None, False, False, 0.0, [])]

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        given = {name.rpartition(":")[2]: value or "" for name, value in attrs}
        tag = tag.rpartition(":")[2]
        if tag == "tt":
            self._set_rates(given)
        elif tag == "br":
            self.add("\n")
        elif tag in ("body", "div", "p", "span"):
            self._begin(tag, given)

    def handle_endtag(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        while any(element.tag == tag for element in self._open):
            if self._end().tag == tag:
                break

    def close(self) -> None:
        super().close()
        while len(self._open) > 1:
            self._end()

    def add(self, text: str) -> None:
        self._open[-1].text.append(text)

    def _set_rates(self, given: dict[str, str]) -> None:
        up, _, down = given.get("frameratemultiplier", "1 1").replace(":", " ").partition(" ")
        frames = float(given.get("framerate", _RATE)) * float(up) / float(down or 1)
        self._rates = {"f": frames, "t": float(given.get("tickrate", frames))}

    def _begin(self, tag: str, given: dict[str, str]) -> None:
        around = self._open[-1]
        if "t" in given:
            given = {"begin": f"{given['t']}ms", "dur": f"{given.get('d', '')}ms"}
        begin, end, length = (self._time(given.get(name)) for name in ("begin", "end", "dur"))
        base = around.next_start if around.in_turn else around.start
        start = base + (begin or 0.0)
        stop = start + length if length is not None else around.end if end is None else base + end
        times = {"begin": begin, "end": end, "dur": length}
        timed = not given.keys().isdisjoint(times)
        if any(name in given and value is None for name, value in times.items()):
            start = math.nan
        text = around.text if tag == "span" and not timed else []
        in_turn = given.get("timecontainer") == "seq"
        timed = timed or around.timed
        place = self.getpos()[0]
        self._open.append(_Element(tag, place, start, stop, timed, in_turn, start, text))

    def _end(self) -> _Element:
        element = self._open.pop()
        if element.end is not None:
            self._open[-1].next_start = element.end
        text = "".join(element.text)
        told = math.isnan(element.start)
        if told or element.text is self._open[-1].text or not text.strip():
            return element
        if not element.timed:
            self.faults.append(CueFault(element.place, "no time that can be read"))
        elif element.end is None:
            self.endless.append((element.place, element.start, text))
        else:
            self.cues.append(RawCue(element.place, element.start, element.end, text))
        return element

    def _time(self, text: str | None) -> float | None:
        """Seconds of a time expression; None, and a fault, where it is none."""
        if text is None:
            return None
        if match := _OFFSET.fullmatch(text):
            unit = match[2] or "s"
            rate = self._rates.get(unit)
            return float(match[1]) / rate if rate else float(match[1]) * _SECONDS[unit]
        if match := _CLOCK.fullmatch(text):
            hours, minutes, seconds, frames = match.groups()
            whole = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
            return whole + float(frames or 0) / self._rates["f"]
        self.fail(f"cannot read the time {text!r:.40}")
        return None
