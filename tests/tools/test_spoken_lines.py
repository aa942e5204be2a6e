"""The lines that an inspector reads: those of the spans, in order, within their room."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.span import Span
from videoseal.indexing.index_rows import TextRow
from videoseal.tools.spoken_lines import spoken_lines


class Rows:
    """A store of what is said in one video."""

    def __init__(self, texts: list[str]) -> None:
        self.rows = [
            TextRow("speech", n, Span(4.0 * n, 4.0 * n + 5), text, "whisper", {"source": "speech"})
            for n, text in enumerate(texts)
        ]

    def texts(self, video_id: str, kinds: list[str], span: Span) -> list[TextRow]:
        """What overlaps the span."""
        assert (video_id, kinds) == ("v", ["speech"])
        return [row for row in self.rows if row.span.start < span.end and row.span.end > span.start]


def lines_of(store: Rows, *spans: Span) -> list[Any]:
    """The lines of those spans."""
    return spoken_lines(store, "v", spans)  # type: ignore[arg-type]


spans = st.builds(
    lambda start, length: Span(start, start + length), st.integers(0, 400), st.integers(1, 200)
)


@given(texts=st.lists(st.text(min_size=1, max_size=30), max_size=100), spans=st.lists(spans))
def test_each_line_of_the_spans_once_and_in_order(texts, spans):
    """Overlapping spans and lines that reach into two of them make no double."""
    store = Rows(texts)
    inside = {row.ordinal for span in spans for row in store.texts("v", ["speech"], span)}
    found = lines_of(store, *spans)
    assert [line.start for line in found] == [4.0 * number for number in sorted(inside)]
    assert [line.text for line in found] == [texts[number] for number in sorted(inside)]


def test_much_talk_leaves_every_span_its_share():
    """An hour beside a minute does not crowd out the minute; the room is not exceeded."""
    store = Rows(["x" * 100] * 900)
    found = lines_of(store, Span(0, 3000), Span(3400, 3460))
    assert sum(len(line.text) for line in found) <= 8000
    assert sum(line.start >= 3400 - 5 for line in found) == 16
    assert sum(line.start < 3000 for line in found) == 40


def test_a_line_says_where_it_comes_from():
    """The name of the recogniser, or that of the file."""
    store = Rows(["one"])
    assert lines_of(store, Span(0, 9))[0].source == "whisper"
    row = store.rows[0]
    store.rows = [TextRow(row.kind, 0, row.span, "one", "subtitles", {"file": "talk.de.srt"})]
    assert lines_of(store, Span(0, 9))[0].source == "talk.de.srt"
