"""What a run's numbers count, and what they never count."""

from __future__ import annotations

import pytest

from tests.evals.made import evidence, item, proven, record, scored
from videoseal.evals.records import SampleError, SampleRecord
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.graph.answers import Answer
from videoseal.models.types import Question


def _scores(*records: SampleRecord) -> dict[str, float]:
    return {name: estimate.mean for name, estimate in scored(*records).scores.items()}


def _forced(choice: str = "B") -> Answer:
    return Answer(outcome="answered", forced=True, text="b", choice=choice, by="answerer")


def test_missing_abstained_and_failed_are_wrong() -> None:
    """Strict accuracy divides by all that were asked."""
    failed = record(item("q3"), error=SampleError(type="X", message="m"))
    found = _scores(record(item("q1"), proven()), record(item("q2")), failed)
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert found["accuracy of unforced answers"] == 1.0


def test_forced_guess_is_counted_apart() -> None:
    """A forced answer may be right, but it is never grounded accuracy."""
    assert scored(record(answer=_forced())).counts == {
        "asked": 1, "answered": 0, "forced": 1, "abstained": 0, "errored": 0,
    }  # fmt: skip
    found = _scores(record(answer=_forced()))
    assert found["accuracy"] == 1.0
    assert found["grounded accuracy"] == 0.0


def test_right_without_having_seen_it_is_the_bad_cell() -> None:
    """The gold letter from frames beside the gold span is right and ungrounded."""
    blind_luck = [evidence(times=(104.0,))]
    found = scored(
        record(answer=proven()), record(item("q2"), proven(ledger=blind_luck), blind_luck)
    )
    assert found.quadrants == (1, 1, 0, 0)
    assert found.scores["right but never shown"].mean == 0.5


def test_abstaining_is_right_only_where_there_is_no_answer() -> None:
    """Unanswerable questions have their own rate and stay out of accuracy."""
    hopeless = item("q2", "", answerable=False, evidence=[])
    found = _scores(record(hopeless), record(item("q1")))
    assert found["abstained on unanswerable"] == 1.0
    assert found["accuracy"] == 0.0
    assert _scores(record(hopeless, proven()))["abstained on unanswerable"] == 0.0


def test_letter_comes_from_the_shared_parser_where_no_choice_is_given() -> None:
    """Prose that states a letter counts as that letter, prose that does not as none."""
    said = Answer(outcome="answered", forced=True, text="Not (A). It is (B)", by="answerer")
    found = outcome_of(record(answer=said))
    assert (found.letter, found.right) == ("B", True)
    vague = said.model_copy(update={"text": "a beautiful dog"})
    assert outcome_of(record(answer=vague)).letter is None


def test_open_question_has_no_letter() -> None:
    """Free text is judged elsewhere."""
    prose = item(question=Question(text="Describe it."), answer="A dog runs.", evidence=[])
    assert outcome_of(record(prose, proven("B"))).letter == "B"
    assert not outcome_of(record(prose, proven("B"))).right


def test_risk_falls_when_the_unsure_are_left_out() -> None:
    """The curve takes the most confident first, and guesses that were asked for last."""
    found = scored(
        record(item("q1"), _forced("A")), record(item("q2"), proven()), record(item("q3"))
    )
    assert found.risk == [(pytest.approx(1 / 3), 0.0), (pytest.approx(2 / 3), 0.5)]


def test_rates_without_questions_say_so() -> None:
    """An empty denominator is n = 0, not a score of zero."""
    hopeless = item("q2", "", answerable=False, evidence=[])
    assert scored(record(hopeless)).scores["accuracy"].n == 0
