"""Words as they are compared, and what a question names."""

from __future__ import annotations

import pytest

from videoseal.models.offline.clues import read_question
from videoseal.models.offline.words import is_content, tokens
from videoseal.models.types import Question


def texts(text: str, *vocabulary: str) -> list[str]:
    return [token.text for token in tokens(text, vocabulary)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("director", "directed"),
        ("hid", "hidden"),
        ("seven", "7"),
        ("HARB0UR", "harbour"),
        ("Ida's", "Ida"),
        ("３，２００", "3200"),
        ("Café", "CAFE"),
        ("“North”", "north"),
    ],
)
def test_equal_in_other_clothes(one: str, other: str) -> None:
    """Endings, forms, widths, accents and what OCR confuses do not matter."""
    assert texts(one) == texts(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("17", "7"), ("14:35", "14:53"), ("0.5", "5"), ("K1X", "KIX"), ("Berg", "Burg"), ("B7", "E7")],
)
def test_near_is_not_equal(one: str, other: str) -> None:
    """Numbers and names differ by every sign."""
    assert texts(one) != texts(other)


def test_parts_what_was_run_together() -> None:
    """Words without spaces are cut where the question's words explain them, and only there."""
    assert texts("GATE7OPENS14:35") == texts("gate 7 opens 14:35")
    assert texts("MEETATTHEHARBOUR", "harbour", "meet") == texts("meet at the harbour")
    assert texts("harpat", "harp") == texts("harp at")
    assert texts("Ilost llost", "lost") == texts("I lost I lost")
    assert texts("investigate", "gate") == texts("investigate")
    assert texts("golden", "gold") == ["goiden"]


def test_grammar_is_no_content() -> None:
    """Words of grammar and of watching say nothing of the matter."""
    assert [t.raw for t in tokens("What does the sign B say?") if is_content(t)] == ["sign", "B"]


def clues(text: str) -> dict[str, bool]:
    """What a question names, and whether nothing else will do."""
    found = read_question(Question(text=text)).clues
    return {clue.raw: clue.hard for clue in found if not clue.light}


def test_names_numbers_and_quotations_are_hard() -> None:
    """They must stand as they are; common words may be said otherwise."""
    assert clues('When does the ferry Heron leave gate 7 for "Far Hill"?') == {
        "Far Hill": True,
        "ferry": False,
        "Heron": True,
        "gate": False,
        "7": True,
    }
    assert clues("Where is locker B12?") == {"B12": True, "locker": False}
    assert clues("周敏说把什么藏在了桥下？") == {"周敏": False, "桥下": False}


def test_what_is_asked_for_is_no_clue() -> None:
    """The kind of answer is not looked for, but the same word elsewhere is a thing."""
    assert "letter" not in clues("Which letter does the sign show first?")
    assert "letter" in clues("How much did Ida pay for the letter?")
    assert "colour" not in clues("What colour is the door?")
    assert "painting" in clues("Who lost the painting?")


def test_finds_the_relative_clause() -> None:
    """What a question goes by way of is told from a preposition before `which`."""
    asked = read_question(Question(text="What is the code of the room where the choir meets?"))
    assert [clue.raw for clue in asked.relative] == ["choir", "meets"]
    assert read_question(Question(text="On which day does the choir meet?")).relative == ()
