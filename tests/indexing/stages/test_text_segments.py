"""Cues: texts over clip borders, missed samples, slips of the reader, clocks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from videoseal.indexing.stages.text_segments import Cue, join_segments
from videoseal.indexing.stages.text_tracker import TextSegment


def segment(
    text: str,
    start: float,
    end: float,
    *,
    opens: bool = False,
    runs_on: bool = False,
    count: int = 4,
    top: float = 0.8,
) -> TextSegment:
    """A line of text that was read `count` times."""
    return TextSegment(
        start=start, end=end, opens=opens, runs_on=runs_on, box=[0.1, top, 0.5, top + 0.1],
        first=text, last=text, readings={text: [count, count * 0.9]},
    )  # fmt: skip


def join(*clips: Sequence[TextSegment]) -> list[Cue]:
    return join_segments(dict(enumerate(clips)), gap=0.6, longest_counter=16)


def told(cues: Sequence[Cue]) -> list[tuple[str, float, float]]:
    return [(cue.text, cue.start, cue.end) for cue in cues]


def test_a_text_over_clip_borders_is_one_cue() -> None:
    """What runs on past a clip and opens the next is the same cue, through any number of clips."""
    cues = join(
        [segment("north gate", 10, 16, runs_on=True)],
        [segment("north gate", 16, 32, opens=True, runs_on=True)],
        [segment("north gate", 32, 34.5, opens=True)],
    )
    assert told(cues) == [("north gate", 10, 34.5)]
    assert cues[0].readings == 12


def test_a_text_that_only_touches_a_border_stays_two() -> None:
    """One text ends at the border and another begins there: two cues, nothing shared."""
    cues = join([segment("north gate", 10, 16)], [segment("south door", 16, 20, top=0.8)])
    assert told(cues) == [("north gate", 10, 16), ("south door", 16, 20)]


def test_a_missing_clip_is_not_bridged() -> None:
    """A clip without frames ends what ran on before it."""
    cues = join_segments(
        {0: [segment("gate", 0, 16, runs_on=True)], 2: [segment("gate", 32, 40, opens=True)]},
        gap=0.6, longest_counter=16,
    )  # fmt: skip
    assert told(cues) == [("gate", 0, 16), ("gate", 32, 40)]


def test_a_missed_sample_is_bridged_and_a_pause_is_not() -> None:
    """Equal texts half a second apart are one cue; two seconds apart they are two."""
    cues = join([segment("gate", 0, 2), segment("Gate", 2.5, 4), segment("gate", 6, 7)])
    assert told(cues) == [("gate", 0, 4), ("gate", 6, 7)]


def test_a_piece_of_a_line_is_the_line() -> None:
    """A text read without its first letters is the same text; with another number it is not."""
    cues = join([segment("Anna: meet me at 3", 0, 2), segment("na: meet me at 3", 2, 3, count=2)])
    assert told(cues) == [("Anna: meet me at 3", 0, 3)]
    cues = join([segment("meet me at gate 3", 0, 2), segment("meet me at gate 35", 2, 4)])
    assert len(cues) == 2


def test_a_slip_of_the_reader_is_dropped_and_a_real_text_is_not() -> None:
    """A single misreading inside a cue goes; a text of its own beside or after it stays."""
    cues = join(
        [
            segment("bring the lamp", 0, 2),
            segment("brlng tne lamp", 2, 2.5, count=1),
            segment("bring the lamp", 2.5, 5),
            segment("bring the lamb", 5, 7),
            segment("8", 5.5, 5.6, count=1, top=0.1),
        ]
    )
    assert told(cues) == [("bring the lamp", 0, 5), ("bring the lamb", 5, 7)]


def test_texts_that_differ_in_a_digit_stay_apart() -> None:
    """Gate 3 and gate 4 are two texts, however alike."""
    cues = join([segment("Gate 3 opens", 0, 2), segment("Gate 4 opens", 2, 4)])
    assert [cue.text for cue in cues] == ["Gate 3 opens", "Gate 4 opens"]


def test_a_clock_is_one_cue_a_clip_with_all_its_values() -> None:
    """A running clock does not flood the index, and every value it showed can be found."""
    ticks = [segment(f"00:00:{n:02d}", n, n + 1, top=0.0) for n in range(20)]
    cues = join(ticks)
    assert [(cue.start, cue.end) for cue in cues] == [(0, 16), (16, 20)]
    assert "00:00:07" in cues[0].text
    assert cues[1].short == "00:00:16 to 00:00:19"


def test_a_few_numbers_are_no_clock() -> None:
    """Three numbers in a row stay three texts."""
    cues = join([segment(f"{n}", n, n + 1, count=3) for n in range(11, 14)])
    assert [cue.text for cue in cues] == ["11", "12", "13"]


@pytest.mark.parametrize(
    ("text", "count", "score", "kept"),
    [("嗯", 2, 0.99, True), ("5", 3, 0.8, True), ("x", 2, 0.8, False), ("x", 1, 0.99, False)],
)
def test_a_lone_letter_must_be_sure(text: str, count: int, score: float, kept: bool) -> None:
    """Read twice without doubt it is a text, else a speck of the background."""
    line = segment(text, 4, 5, count=count)
    line["readings"] = {text: [count, count * score]}
    assert told(join([line])) == ([(text, 4, 5)] if kept else [])


def test_a_countdown_of_seconds_is_kept() -> None:
    """Single figures that follow each other are one counter."""
    line = [segment(str(5 - n), 6 + n, 7 + n, count=2) for n in range(5)]
    for part, figure in zip(line, "54321", strict=True):
        part["readings"] = {figure: [2, 1.98]}
    (cue,) = join(line)
    assert (cue.text, cue.start, cue.end) == ("5, 4, 3, 2, 1", 6, 11)
