"""Options that stand inside a question's text, however they are written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import DATA, needs_data
from videoseal.evals.benchmarks.question_text import gold_letter, read_question
from videoseal.evals.benchmarks.registry import benchmark
from videoseal.models.types import Question

BRACKETS = ["({})", "[{}]", "{})", "\uff08{}\uff09", "\u3010{}\u3011"]
LABELS = [*BRACKETS, "{}.", "{}:", "{}\uff0e", "{}\u3001"]
PLAIN = ["red", "hat", "17,900", "b", "is", "\u732b", "(north)", "Mr.", "9:41", "4,5", "e.g."]
WORDS = st.lists(
    st.sampled_from([*PLAIN, "J. K. Rowling", "C. S. Lewis"]), min_size=1, max_size=4
).map(" ".join)
STEMS = WORDS.map("What of {} is it?".format)
OPTIONS = st.lists(WORDS.map("the {}".format), min_size=2, max_size=8)


def _lettered(label: str, options: list[str], *, small: bool = False) -> list[str]:
    letters = "abcdefgh" if small else "ABCDEFGH"
    return [f"{label.format(a)} {text}" for a, text in zip(letters, options, strict=False)]


@given(STEMS, OPTIONS, st.sampled_from(LABELS), st.booleans(),
       st.sampled_from(["\n", "\r\n", "\n\n", "\\n", "\u2028", "<br>", " \n  "]))  # fmt: skip
def test_options_a_line_each_are_split_as_they_were_joined(
    stem: str, options: list[str], label: str, small: bool, between: str
) -> None:
    """Whatever marks the letters and breaks the lines, and whoever is named in the texts."""
    joined = between.join([stem, *_lettered(label, options, small=small)])
    assert read_question(joined) == (stem, options, "")


@given(STEMS, OPTIONS, st.sampled_from(LABELS))
def test_options_in_one_line_are_split_as_they_were_joined(
    stem: str, options: list[str], label: str
) -> None:
    """All of them after the question, without a break; initials need brackets to be told apart."""
    if label not in BRACKETS:
        options = [option.replace(". ", " ") for option in options]
    assert read_question(" ".join([stem, *_lettered(label, options)])) == (stem, options, "")


PROMPTS = [
    "Select the best answer to the following multiple-choice question based on the video.",
    "Respond with only the letter (A, B, C, or D) of the correct option.",
    "Answer with the option's letter from the given choices directly.",
    "Please provide your answer as a single letter.",
    "Only give the best option.",
    "\u8bf7\u76f4\u63a5\u56de\u7b54\u9009\u9879\u5b57\u6bcd\u3002",
]


@given(STEMS, OPTIONS, st.sampled_from(LABELS), st.sampled_from(PROMPTS),
       st.sampled_from(["", "<video>\n", "Question: "]),
       st.sampled_from(["", "\nAnswer:", "\nThe best answer is:", "\nBest option: ("]))  # fmt: skip
def test_prompts_are_left_out(
    stem: str, options: list[str], label: str, prompt: str, before: str, after: str
) -> None:
    """Sentences that tell how to answer are neither question nor option, wherever they stand."""
    lines = [stem, "Options:", *_lettered(label, options)]
    for joined in ([prompt, before + stem, *lines[1:]], [before + stem, *lines[1:], prompt]):
        assert read_question("\n".join(joined) + after) == (stem, options, "")


@pytest.mark.parametrize(
    "text",
    [
        "Which book did J. K. Rowling write?",
        "What did A. Smith tell B. Jones?",
        "A. Smith, B. Jones and C. Brown meet where?",
        "Which film by A. B. Yehoshua and C. D. Lewis is shown at 9 A.M.?",
        "Select the correct order of the events in the video.",
        "What is written on door (A)?",
        "\u8c01\u5728\u8bf4\u8bdd\uff1f",
    ],
)
def test_initials_and_orders_are_no_options(text: str) -> None:
    """An open question stays as it is."""
    assert read_question(text, "some words") == (text, [], "")


@pytest.mark.parametrize(
    ("text", "stem", "options"),
    [
        ("A. A. Milne wrote what?\n(A) x\n(B) y", "A. A. Milne wrote what?", ["x", "y"]),
        ("Who?\nA. A. Milne\nB. B. King", "Who?", ["A. Milne", "B. King"]),
        ("Order?\n(a) Go.\n(b) Sit.\n(c) Eat.\n(A) abc\n(B) cab",
         "Order? (a) Go. (b) Sit. (c) Eat.", ["abc", "cab"]),
        ("Order?\n(A) Go.\n(B) Sit.\n(C) Eat.\n(A) 1-2\n(B) 2-1",
         "Order? (A) Go. (B) Sit. (C) Eat.", ["1-2", "2-1"]),
        ("What? (A) cat (B) dog\n(C) cow (D) pig", "What?", ["cat", "dog", "cow", "pig"]),
        ("What? (A) cat\n(B) dog", "What?", ["cat", "dog"]),
        ("What?\n(A) one\nand more\n(B) two", "What?", ["one and more", "two"]),
        ("\u8fd9\u662f\u4ec0\u4e48\uff1fA\u3001\u732b B\u3001\u72d7 C\u3001\u725b",
         "\u8fd9\u662f\u4ec0\u4e48\uff1f", ["\u732b", "\u72d7", "\u725b"]),
        ("What?\nOption A: cat\nOption B: dog", "What?", ["cat", "dog"]),
    ],
)  # fmt: skip
def test_options_are_told_from_what_looks_alike(text: str, stem: str, options: list[str]) -> None:
    """Names, lists within a question, and texts of several lines."""
    assert read_question(text, "A") == (stem, options, "")


@pytest.mark.parametrize(
    ("letters", "told"), [("ABD", "A, B, D"), ("ABCC", "A, B, C, C"), ("ABCE", "A, B, C, E")]
)
def test_letters_out_of_order_are_a_fault(letters: str, told: str) -> None:
    """It is said which letters there are."""
    text = "\n".join(["What?", *(f"({letter}) x{at}" for at, letter in enumerate(letters))])
    assert read_question(text).fault == f"its options are lettered {told}"


@given(
    OPTIONS.filter(lambda options: len({o.rstrip(".") for o in options}) == len(options)), st.data()
)
def test_a_gold_answer_is_found_in_any_dress(options: list[str], data: st.DataObject) -> None:
    """A letter with or without brackets, the option's text, or both."""
    at = data.draw(st.integers(0, len(options) - 1))
    letter, text = "ABCDEFGH"[at], options[at]
    for form in ("{0}", "({0})", "{0}.", "**{0}**", "Option {0}", "{0}. {1}", "({0}) {1}", "{1}"):
        assert gold_letter(form.format(letter, text), options) == letter
    assert gold_letter(f"{letter}. quite another", options) == ""


@given(OPTIONS, st.sampled_from(LABELS), st.booleans())
def test_a_question_takes_letters_off_its_options(
    options: list[str], label: str, small: bool
) -> None:
    """Once and for all: read again it is the same question."""
    asked = Question(text="What?", options=_lettered(label, options, small=small))
    assert asked.options == options
    assert Question.model_validate_json(asked.model_dump_json()) == asked


@pytest.mark.parametrize(
    "options",
    [
        ["A. 12", "15"], ["B. 12", "A. 15"], ["A", "B"], ["A.", "B."], ["A.M.", "P.M."],
        ["(a)(c)(b).", "(b)(a)(c)."], ["(a) -> (c)", "(b) -> (a)"], ["A. C. B", "B. C. A"],
    ],
)  # fmt: skip
def test_options_that_only_look_lettered_are_kept(options: list[str]) -> None:
    """All must carry their own letter, and something after it."""
    assert Question(text="What?", options=options).options == options


def test_an_order_of_letters_is_kept_behind_the_own_letter() -> None:
    """Only the option's own is taken away, though what is left begins with letters in order."""
    options = ["A. (a)(c)(b)", "B. (b)(a)(c)", "C. (c)(b)(a)"]
    asked = Question(text="In which order?", options=options)
    assert asked.options == ["(a)(c)(b)", "(b)(a)(c)", "(c)(b)(a)"]
    assert Question.model_validate(asked.model_dump()) == asked


@needs_data
def test_published_options_lose_their_letters_alone() -> None:
    """Of Video-MME each option is what stands behind its letter."""
    rows = json.loads((DATA / "videomme.json").read_text(encoding="utf-8"))
    given = {q["question_id"]: q["options"] for row in rows for q in row["questions"]}
    for item in benchmark("videomme").load(DATA / "videomme.json"):
        assert item.question.options == [text[2:].strip() for text in given[item.uid]]
