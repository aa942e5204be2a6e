"""OcrReadings of one line: which are the same text, and which spelling wins."""

from __future__ import annotations

import json

import pytest

from videoseal.indexing.stages.ocr_lines import OcrReadings, alike, letters


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("HARBOUR gate", "harbourgate"),
        ("l0 keys", "IO keys"),
        ("Ｇａｔｅ　４", "gate 4"),
        ("请，在", "请在"),
    ],
)
def test_letters_unite_case_width_spaces_and_lookalikes(one: str, two: str) -> None:
    """What the reader confuses counts as equal."""
    assert letters(one) == letters(two)


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("Meet me at noon", "Meet me al noon", True),
        ("14:35", "14335", True),
        ("Meet me at noon", "Bring the lamp", False),
        ("北门", "南站", False),
    ],
)
def test_misreadings_are_alike_and_other_texts_are_not(one: str, two: str, same: bool) -> None:
    """A letter more or less is a slip, half the line is another text."""
    assert alike(one, two) is same


def test_the_text_with_most_support_wins() -> None:
    """Three readings outvote one with a higher score; of equals the one with spaces wins."""
    votes = OcrReadings()
    for text, score in [("gate 14335", 0.99), ("gate 14:35", 0.9), ("gate 14:35", 0.9)]:
        votes.add(text, score)
    assert (votes.best, votes.count, round(votes.score, 2)) == ("gate 14:35", 3, 0.93)
    spaced = OcrReadings({"bringthe lamp": (1, 0.9), "bring the lamp": (1, 0.9)})
    assert spaced.best == "bring the lamp"


def test_votes_survive_storage() -> None:
    """What is stored as JSON is read back as the same votes."""
    votes = OcrReadings({"a b": (2, 1.8), "请": (1, 0.7)})
    again = OcrReadings.from_json(json.loads(json.dumps(votes.to_json())))
    again.merge(votes)
    assert (again.count, again.best) == (6, "a b")
