"""Questions are written one way and read back the same; usage adds up."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from videoseal.models.types import Frame, Question, Usage

words = st.text(max_size=40)
texts = words.filter(lambda text: bool(text.split()))
questions = st.builds(Question, text=texts, options=st.lists(words, max_size=26))


def flat(text: str) -> str:
    """With single spaces only."""
    return " ".join(text.split())


@given(questions)
def test_a_rendered_question_is_read_back(question):
    """But for white space, text and options survive."""
    again = Question.parse(question.render())
    assert again.text == flat(question.text)
    assert again.options == [flat(option) for option in question.options]


@given(questions)
def test_a_question_is_found_in_a_longer_message(question):
    """Lines before and after it do not matter."""
    message = f"Video: v0123, 01:00:00 long.\n{question.render()}\n\nBe brief."
    assert Question.parse(message).render() == question.render()


@given(questions)
def test_one_line_a_part(question):
    """No text can smuggle in a line of its own."""
    lines = question.render().split("\n")
    assert len(lines) == (2 + len(question.options) if question.options else 1)


@pytest.mark.parametrize("text", ["", "What is it?", "question: what?", "Question:", "Question: "])
def test_text_without_a_question_is_an_error(text):
    """Nothing is taken for one."""
    with pytest.raises(ValueError, match="Question"):
        Question.parse(text)


def test_options_are_lettered():
    """The first is A, and only these letters are choices."""
    question = Question(text="q", options=["x", "y"])
    assert question.lettered() == ["(A) x", "(B) y"]
    assert (question.letters, Question(text="q").letters) == ("AB", "")


@pytest.mark.parametrize(
    "values", [{"text": ""}, {"text": " \x1f\n"}, {"text": "q", "options": ["x"] * 27}]
)
def test_a_question_has_text_and_at_most_26_options(values):
    """More have no letter."""
    with pytest.raises(ValidationError):
        Question(**values)


def test_usage_adds_up():
    """Field by field, starting from nothing."""
    total = Usage().plus(Usage(1, 10, 2, 8, 0.5)).plus(Usage(2, 20, 4, 0, 0.25))
    assert total == Usage(3, 30, 6, 8, 0.75)


def test_a_frame_is_known_by_its_picture():
    """The hash is that of the JPEG, and printing a frame does not print it."""
    frame = Frame(1.5, b"jpeg")
    assert frame.sha256 == hashlib.sha256(b"jpeg").hexdigest()
    assert "jpeg" not in repr(frame)
