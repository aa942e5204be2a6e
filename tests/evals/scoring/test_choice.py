"""The parser of answer letters: states what counts as an answer and what never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.models.reading.letters import parse_choice


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(c)", "C"),
        ("**B**", "B"),
        ("A.", "A"),
        ("B. the red car", "B"),
        ("Answer: D", "D"),
        ("The answer is (A) a dog", "A"),
        ("The answer is B because the sign says so", "B"),
        ("Not (A). The correct one is (C)", "C"),
        ("The answer is not B but C", "C"),
        ("Option B is wrong; the answer is (D).", "D"),
        ("Select (B), not (C)", "B"),
        ("a dog, so B", "B"),
        ("\u7b54\u6848\u662fC", "C"),
    ],
)
def test_stated_letter_is_found(text: str, letter: str) -> None:
    """A letter that the text states as its answer is the answer."""
    assert parse_choice(text, "ABCD") == letter


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SEARCH_MORE",
        "A dog runs",
        "It is a cat",
        "The answer is A dog",
        "I think so. A man walks",
        "The options (A) and (B) are both shown",
        "Neither (A) nor (B)",
        "The answer is (A). The answer is (B).",
        "E",
        "the answer is (E)",
    ],
)
def test_no_letter_is_guessed_from_prose(text: str) -> None:
    """Articles, negations, several letters and letters beyond the options are no answer."""
    assert parse_choice(text, "ABCD") is None


@given(st.text(max_size=200), st.integers(2, 8))
def test_result_is_always_a_valid_letter_or_none(text: str, count: int) -> None:
    """Whatever the text, only a letter of this question can come out."""
    letters = "ABCDEFGH"[:count]
    assert parse_choice(text, letters) in (*letters, None)


@given(st.sampled_from("ABCD"), st.sampled_from(["{}", "({})", "The answer is ({}).", "{}. x"]))
def test_every_letter_is_read_in_every_plain_form(letter: str, form: str) -> None:
    """No letter is favoured."""
    assert parse_choice(form.format(letter), "ABCD") == letter
