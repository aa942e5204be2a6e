"""What is said proves as what is seen does: shown, in the ledger, under the seal."""

from __future__ import annotations

from typing import Any

import pytest

from videoseal.graph.answers import cited_faults, verify
from videoseal.graph.ledger import settle
from videoseal.graph.planner_messages import answer_text
from videoseal.graph.seal import about, holds
from videoseal.models.types import AnswerDraft, Observation, Question, SpokenLine, Verdict

KEY = b"of the tests"
QUESTION = Question(text="What colour is the door?", options=["blue", "red"])
LINES = [
    SpokenLine(start=40.5, end=42.0, text="Look at that.", source="film.srt"),
    SpokenLine(start=47.0, end=48.5, text="The door is red.", source="film.srt"),
]


async def heard(world: Any, say: Any, **choices: Any) -> Any:
    """The episode of a look at 40 to 50 s whose inspector cites the last line."""
    w = world(
        [say.call("visual_inspect", spans=["40-50"])], verdict=say.heard, lines=lambda _: LINES
    )
    return w, await w.ask(QUESTION, **choices)


async def test_a_line_carries_an_answer(world, say):
    """The answer cites the line, and the frame that was up while it was said."""
    w, episode = await heard(world, say)
    assert w.inspector.requests[0].lines == LINES
    (cited,) = episode.answer.citations
    assert episode.answer.proven
    assert cited.lines == LINES[1:]
    assert [frame.time for frame in cited.frames] == [47.5]
    assert episode.evidence[0].lines == LINES
    assert episode.evidence[0].observations == [
        Observation(time=47.0, text="the door is red", line=2)
    ]
    assert answer_text(episode.answer).endswith("Heard at 00:00:47.")
    topic = about(QUESTION, say.video)
    assert verify(episode.answer, episode.evidence, KEY, topic) == []


async def test_where_only_frames_prove_no_line_is_shown(world, say):
    """The same inspector has nothing left to cite, and the run abstains."""
    w, episode = await heard(world, say, evidence="seen")
    assert w.inspector.requests[0].lines == []
    assert episode.evidence[0].downgraded == "no_observation"
    assert episode.answer.outcome == "abstained"


async def test_the_seal_is_over_the_lines(world, say):
    """Another wording, time or source of a line, and neither entry nor citation holds."""
    _, episode = await heard(world, say)
    entry, topic = episode.evidence[0], about(QUESTION, say.video)
    for change in ({"text": "The door is blue."}, {"start": 1.0}, {"source": "other.srt"}):
        lines = [LINES[0], LINES[1].model_copy(update=change)]
        bent = entry.model_copy(update={"lines": lines})
        assert not holds(KEY, bent.model_dump(mode="json"), topic)
        assert cited_faults(episode.answer, [bent])


async def test_an_answerer_joins_what_was_heard(world, say):
    """It is told what was said and by which entry; its answer cites the line."""

    def half(request: Any) -> Verdict:
        said = Observation(time=0.0, text="the door is red", line=2)
        return Verdict(sufficient=False, reason="PARTIAL_EVIDENCE", observations=[said])

    def joined(request: Any) -> AnswerDraft:
        assert request.evidence[0].observations[0].line == 2
        return AnswerDraft(supported=True, answer="red", choice="B", cites=["e1"])

    script = [say.call("visual_inspect", spans=["40-50"]), say.call("give_up", call_id="c2")]
    w = world(script, verdict=half, draft=joined, lines=lambda _: LINES)
    episode = await w.ask(QUESTION)
    assert episode.answer.proven
    assert episode.answer.citations[0].lines == LINES[1:]
    told = w.told()[0]["observations"]
    assert told == [{"time": "00:00:47.0", "text": "the door is red", "heard": True}]


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_line_that_was_not_shown_is_no_observation(number):
    """Its number is none of the lines', and "sufficient" falls with it."""
    said = Observation(time=47.0, text="red", line=number)
    verdict = Verdict(sufficient=True, answer="red", choice="B", observations=[said])
    settled = settle(verdict, QUESTION, [47.0], LINES)
    assert settled.downgraded == "no_observation"
    assert settled.verdict.observations == []


def test_without_lines_records_are_as_they_were():
    """Nothing is written of lines where there are none: old seals are over that."""
    assert Observation(time=1, text="x").model_dump() == {"time": 1, "text": "x"}
