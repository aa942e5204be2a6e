"""Gold spans as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.span import Span, format_time
from videoseal.evals.benchmarks.time_reference import read_references

ONE, TWO = Span(75, 79), Span(130, 140)


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


def _units(seconds: int) -> str:
    return f"{seconds // 3600}h{seconds // 60 % 60}m{seconds % 60}s"


CLOCKS = [format_time, _minutes, _units, "{}s".format, "{} seconds".format, "{}".format]
JOINS = [
    "-",
    " - ",
    "\u2013",
    " \u2014 ",
    " to ",
    "~",
    " ~ ",
    "\uff5e",
    "->",
    " --> ",
    "..",
    " until ",
    "\u81f3",
]
LISTS = [", ", "; ", "\n", " / ", " and ", " & ", "\u3001"]
SPANS = st.tuples(st.integers(0, 5000), st.integers(1, 500)).map(lambda t: Span(t[0], t[0] + t[1]))


@given(st.lists(SPANS, min_size=1, max_size=4), st.sampled_from(CLOCKS), st.sampled_from(JOINS),
       st.sampled_from(LISTS), st.sampled_from(["{}", "[{}]", "({})", "from {}"]))  # fmt: skip
def test_ranges_are_read_however_they_are_written(
    spans: list[Span], clock: Any, join: str, between: str, around: str
) -> None:
    """Any clock, any dash, any list of them."""
    texts = [join.join([clock(int(s.start)), clock(int(s.end))]) for s in spans]
    assert read_references(around.format(between.join(texts))) == spans
    assert read_references(texts) == spans
    assert read_references(str(texts)) == spans
    assert read_references([[s.start, s.end] for s in spans]) == spans


@given(
    st.integers(0, 5000),
    st.sampled_from(CLOCKS),
    st.sampled_from(["{}", "~{}", "around {}", "@{}"]),
)
def test_one_moment_is_a_second(moment: int, clock: Any, around: str) -> None:
    """With or without a word that it is not exact, or as an empty span."""
    text = clock(moment)
    assert read_references(around.format(text)) == [Span(moment, moment + 1)]
    assert read_references(f"{text}-{text}") == [Span(moment, moment + 1)]


@pytest.mark.parametrize(
    ("given_as", "spans"),
    [
        ("75:10-75:20", [Span(4510, 4520)]),
        ("00:01:15,000 --> 00:01:19,000", [ONE]),
        ("00:01:15.000-00:01:19.000", [ONE]),
        ("01\uff1a15\uff0d01\uff1a19", [ONE]),
        ("1:15-19", [ONE]),
        ("1m15s-1m19s", [ONE]),
        ("1 min 15 sec - 1 min 19 sec", [ONE]),
        ("1\u520615\u79d2-1\u520619\u79d2", [ONE]),
        ("1'15\"-1'19\"", [ONE]),
        ("75-79s", [ONE]),
        ("2-3 min", [Span(120, 180)]),
        ("between 1:15 and 1:19", [ONE]),
        ("start: 01:15, end: 01:19", [ONE]),
        ("{'start': 75, 'end': 79}", [ONE]),
        ({"start": "01:15", "end": "01:19"}, [ONE]),
        ("(75, 79)", [ONE]),
        ("[01:15, 01:19]", [ONE]),
        (["01:15", "01:19"], [ONE]),
        ([["01:15", "01:19"], [130, 140]], [ONE, TWO]),
        ("01:15-01:19,02:10-02:20", [ONE, TWO]),
        ("01:15-01:19 and 02:10", [ONE, Span(130, 131)]),
        ("01:15, 02:10", [Span(75, 76), Span(130, 131)]),
        (75, [Span(75, 76)]),
        *((nothing, []) for nothing in ("", " ", "N/A", "none", "-", None, [], [""])),
    ],
)  # fmt: skip
def test_other_forms_are_read_too(given_as: Any, spans: list[Span]) -> None:
    """Those that have no pattern."""
    assert read_references(given_as) == spans


@pytest.mark.parametrize(
    "text",
    [
        "soon", "00:15-00:19 or so", "x 00:15-00:19", "00:19-00:15", "00:75", "-5", "00:15-",
        "whole video", "frame 1200", "00:15-end", "00:15-00:19-00:25", "1:2:3:4", "10-12m30s",
        True, {"x": 1}, [[3, 1]], [{}], float("nan"), "9" * 400 + ":00", [float("inf")],
    ],
)  # fmt: skip
def test_other_references_are_errors(text: Any) -> None:
    """What cannot be read is never taken for something else."""
    with pytest.raises(ValueError, match=r"cannot read|span"):
        read_references(text)


@given(st.text("0123456789:-,.~ smhto[](){}\"'", max_size=24) | st.text(max_size=12))
def test_no_text_does_anything_else(text: str) -> None:
    """There are spans, or the one error."""
    try:
        spans = read_references(text)
    except ValueError:
        return
    assert all(0 <= span.start < span.end for span in spans)
