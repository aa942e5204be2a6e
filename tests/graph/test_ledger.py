"""What is kept of a verdict, and what an answer may cite."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from videoseal.graph.answers import Answer, Unproven, abstain, guess, prove
from videoseal.graph.ledger import Evidence, ShownFrame, append_evidence, settle
from videoseal.models.types import AnswerDraft, Observation, Question, Verdict

QUESTION = Question(text="What colour?", options=["blue", "red"])
SHOWN = [10.0, 10.5, 20.0]


def seen(*times: float) -> list[Observation]:
    """Observations at these times."""
    return [Observation(time=time, text="a door") for time in times]


def verdict(**parts: Any) -> Verdict:
    """A sufficient verdict that holds, unless `parts` spoil it."""
    whole: dict[str, Any] = {
        "sufficient": True, "answer": "red", "choice": "B", "observations": seen(10.0),
    }  # fmt: skip
    return Verdict(**{**whole, **parts})


def entry(name: str = "e1", **parts: Any) -> Evidence:
    """A ledger entry with two shown frames, the first of them observed."""
    whole: dict[str, Any] = {
        "id": name, "spans": [(10.0, 20.0)], "sufficient": False, "observations": seen(10.0),
        "frames": [ShownFrame(time=time, sha256="0" * 64, ref="r") for time in (10.0, 12.0)],
    }  # fmt: skip
    return Evidence(**{**whole, **parts})


def test_a_verdict_that_holds_is_kept() -> None:
    """Observation, answer and letter together make an inspection sufficient."""
    kept, downgraded = settle(verdict(), QUESTION, SHOWN)
    assert kept.sufficient
    assert (kept.answer, kept.choice, kept.reason) == ("red", "B", None)
    assert downgraded is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [(10.02, [10.0]), (10.4, [10.5]), (20.5, [20.0]), (20.51, []), (9.4, []), (3600.0, []),
     (math.nan, []), (math.inf, []), (-10.0, [])],
)  # fmt: skip
def test_observations_move_to_the_nearest_shown_frame_or_go(said: float, kept: list[float]) -> None:
    """Models round timestamps; what lies more than half a second off was never shown."""
    found = settle(verdict(observations=seen(said)), QUESTION, SHOWN).verdict
    assert [observation.time for observation in found.observations] == kept
    assert found.sufficient == bool(kept)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"observations": []}, "no_observation"),
        ({"observations": [Observation(time=10.0, text="  ")]}, "no_observation"),
        ({"choice": None}, "bad_choice"),
        ({"choice": "C"}, "bad_choice"),
        ({"choice": "AB"}, "bad_choice"),
        ({"choice": ""}, "bad_choice"),
        ({"choice": "b"}, "bad_choice"),
    ],
)
def test_an_unfounded_verdict_is_downgraded(parts: dict[str, Any], why: str) -> None:
    """Without support, or without a valid option, "sufficient" asks for more search."""
    kept, downgraded = settle(verdict(**parts), QUESTION, SHOWN)
    assert not kept.sufficient
    assert (kept.answer, kept.choice, kept.reason) == ("", None, "PARTIAL_EVIDENCE")
    assert downgraded == why


def test_an_open_question_needs_words() -> None:
    """Without options a letter is no answer."""
    kept, downgraded = settle(verdict(answer=" "), Question(text="What colour?"), SHOWN)
    assert not kept.sufficient
    assert downgraded == "no_answer"


def test_a_letter_alone_means_its_option() -> None:
    """The words of a valid letter are known."""
    assert settle(verdict(answer=""), QUESTION, SHOWN).verdict.answer == "red"


def test_a_forced_verdict_is_never_sufficient() -> None:
    """A guess keeps its answer and settles nothing."""
    kept, downgraded = settle(verdict(), QUESTION, SHOWN, forced=True)
    assert (kept.sufficient, kept.choice, downgraded) == (False, "B", None)


def test_what_is_kept_is_small() -> None:
    """Texts and their number are bounded, however much a model writes."""
    many = [Observation(time=10.0, text="x" * 9999)] * 9999
    kept = settle(verdict(observations=many, answer="y" * 9999), QUESTION, SHOWN).verdict
    assert len(kept.observations) == 64
    assert max(len(observation.text) for observation in kept.observations) == 2000
    assert len(kept.answer) == 2000


@pytest.mark.parametrize(
    ("new", "ids"),
    [
        (["e3", "e4"], ["e1", "e2", "e3", "e4"]),
        (["", ""], ["e1", "e2", "e3", "e4"]),
        (["e4"], ["e1", "e2", "e4"]),
        (["e1"], ["e1", "e2", "e3"]),
        (["e2", "e2"], ["e1", "e2", "e3", "e4"]),
    ],
)
def test_the_ledger_only_grows(new: list[str], ids: list[str]) -> None:
    """Entries keep the number they were announced with unless it is taken; none is replaced."""
    ledger = [{"id": "e1", "n": 1}, {"id": "e2", "n": 2}]
    grown = append_evidence(ledger, [{"id": name, "n": 9} for name in new])
    assert [entry["id"] for entry in grown] == ids
    assert grown[:2] == ledger


def test_an_inspection_without_frames_cannot_be_recorded() -> None:
    """Nothing shown is nothing inspected."""
    with pytest.raises(ValidationError):
        entry(frames=[])


def test_a_proven_answer_cites_the_frames_that_were_seen() -> None:
    """A citation names the shown frames in which the support was observed."""
    draft = AnswerDraft(supported=True, answer="red", choice="B", cites=["e1", "e1"])
    answer = prove(draft, QUESTION, [entry()], "answerer")
    assert answer.proven
    assert [[f.time for f in cited.frames] for cited in answer.citations] == [[10.0]]


@pytest.mark.parametrize(
    "parts",
    [
        {"supported": False},
        {"cites": []},
        {"cites": ["e2"]},
        {"cites": ["e1", "e2"]},
        {"cites": ["E1"]},
        {"choice": "C"},
        {"choice": None},
    ],
)
def test_an_answer_without_proof_cannot_be_built(parts: dict[str, Any]) -> None:
    """Unsupported, uncited, forged and unlettered drafts are all refused."""
    whole = {"supported": True, "answer": "red", "choice": "B", "cites": ["e1"], **parts}
    with pytest.raises(Unproven):
        prove(AnswerDraft(**whole), QUESTION, [entry()], "answerer")


def test_frames_in_which_nothing_was_seen_prove_nothing() -> None:
    """An inspection without observations cannot be cited."""
    draft = AnswerDraft(supported=True, answer="red", choice="B", cites=["e1"])
    with pytest.raises(Unproven, match="nothing was seen"):
        prove(draft, QUESTION, [entry(observations=[])], "answerer")


def test_a_guess_is_never_proven() -> None:
    """Also with valid citations a forced answer does not claim proof."""
    draft = AnswerDraft(supported=True, answer="red", choice="B", cites=["e1"])
    assert not guess(draft, QUESTION, [entry()], "answerer").proven
    assert not guess(draft, QUESTION, [entry()], "planner", forced=False).proven


@pytest.mark.parametrize(
    "parts",
    [
        {"outcome": "answered", "text": "red", "by": "inspector"},
        {"outcome": "answered", "text": "red", "by": "none"},
        {"outcome": "answered", "forced": True},
        {"outcome": "abstained", "text": "red"},
    ],
)
def test_the_answer_type_itself_refuses_what_does_not_hold(parts: dict[str, Any]) -> None:
    """No code path can build an unforced answer that cites nothing."""
    with pytest.raises(ValidationError):
        Answer(**parts)


def test_answers_survive_json() -> None:
    """A record can be read back, and `proven` is in it for whoever reads the JSON."""
    draft = AnswerDraft(supported=True, answer="red", choice="B", cites=["e1"])
    for answer in (prove(draft, QUESTION, [entry()], "answerer"), abstain("steps", "spent")):
        assert Answer.model_validate_json(answer.model_dump_json()) == answer
        assert answer.model_dump()["proven"] == (answer.outcome == "answered")
