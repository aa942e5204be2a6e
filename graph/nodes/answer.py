"""Write the answer from the ledger, abstain, or send the planner on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple
from uuid import uuid4

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from videoseal.core.errors import error_class
from videoseal.graph.answers import (
    Answer,
    Author,
    Cause,
    Unproven,
    abstain,
    guess,
    prove,
    sealed_answer,
)
from videoseal.graph.budget import OutOfBudget
from videoseal.graph.calls import ANSWER_PREFIX, reply
from videoseal.graph.context import ServedContext
from videoseal.graph.events import Answered, Rejected
from videoseal.graph.ledger import Evidence, note_of
from videoseal.graph.meter import Meter
from videoseal.graph.planner_messages import answer_text, error_payload
from videoseal.graph.resources import Provider
from videoseal.graph.routes import ending, last_turn
from videoseal.graph.seal import holds
from videoseal.graph.state import State, entries_of, ledger_of, spent_of, task_of
from videoseal.models.types import AnswerDraft, AnswerRequest, Question

__all__ = [
    "Decide",
    "Rejection",
    "abstention",
    "answer_with",
    "decoupled",
    "forced",
    "guessed",
    "own_words",
]


class Rejection(NamedTuple):
    """The evidence carries no answer yet, and the search may go on."""

    reason: str


Decide = Callable[[Meter, State, list[Evidence], Cause], Awaitable[Answer | Rejection]]
"""The outcome from the ledger; the cause is why the search is over."""

_WORDS: Final[dict[Cause, str]] = {
    "gave_up": "the search found nothing that settles the question",
    "steps": "the step budget was spent before the question was settled",
    "frames": "the frame budget was spent before the question was settled",
    "tokens": "the token budget was spent before the question was settled",
    "dollars": "the dollars of this question were spent before it was settled",
    "time": "the time was over before the question was settled",
    "no_call": "the planner stopped calling tools",
    "repeated": "the planner only repeated what it had done",
    "rejected": "the evidence does not carry an answer",
    "no_choice": "no valid option was named",
}


def answer_with(resources: Provider, decide: Decide, *, searches: bool = True) -> Any:
    """The node `answer` of a graph that decides so; `searches` is false where no planner does."""

    async def answer(state: State, runtime: Runtime[ServedContext]) -> dict[str, Any]:
        """Write the answer, or go on where the evidence does not carry one yet.

        Entries that this server has not sealed for this question and video are dropped first.
        Raises ModelError, and the failure of a tool where nothing could be looked at for it.
        """
        held = await resources()
        key, task = await held.seal_key(), task_of(state)
        found = entries_of(state)
        kept = [entry for entry in found if holds(key, entry, task.about)]
        update: dict[str, Any] = {"answer": None}
        if len(kept) < len(found):
            update["evidence"] = Overwrite(kept)
            state = {**state, "evidence": kept}
        cause = ending(state, settles=decide is decoupled)
        if cause is None and searches and not _finishes(state):
            return update
        meter = Meter(held, task, spent_of(state), runtime.stream_writer)
        because: Cause = "rejected" if cause in (None, "settled") else cause  # type: ignore[assignment]
        try:
            outcome = await decide(meter, state, ledger_of(state), because)
        except OutOfBudget as spent:
            outcome = abstention(spent.cause)
        if isinstance(outcome, Rejection):
            return {**update, **_sent_on(meter, state, outcome)}
        if outcome.outcome == "abstained" and not kept and (failures := state.get("failures")):
            # Nothing could be looked at because tools failed: that is no finding about the video.
            raise error_class(failures[-1]["type"])(failures[-1]["message"])
        if outcome.outcome == "abstained" and kept:
            caveat = getattr(held.models.inspector, "caveat", "")
            told = "; ".join(filter(None, (outcome.reason, caveat)))
            outcome = outcome.model_copy(update={"reason": told})
        plain = sealed_answer(outcome, key, task.about)
        meter.emit(Answered(answer=Answer.model_validate(plain)))
        said = AIMessage(answer_text(outcome), id=f"{ANSWER_PREFIX}{uuid4()}")
        return {**update, "answer": plain, "messages": [said], "spent": meter.cost()}

    return answer


def _finishes(state: State) -> bool:
    turn = last_turn(state)
    return bool(turn and turn.open_calls())


def _sent_on(meter: Meter, state: State, rejection: Rejection) -> dict[str, Any]:
    meter.emit(Rejected(step=meter.step, reason=rejection.reason))
    payload = error_payload("Rejected", rejection.reason)
    turn = last_turn(state)
    waiting = sorted(turn.open_calls()) if turn else []
    return {
        "messages": [reply(call, payload, meter.budget.left) for call in waiting],
        "spent": meter.cost(),
        "rejected": len(entries_of(state)),
    }


async def decoupled(
    meter: Meter, state: State, ledger: list[Evidence], cause: Cause
) -> Answer | Rejection:
    """A sufficient inspection is the answer; else the answerer joins what was seen."""
    question = meter.task.question
    rejected = state.get("rejected", -1)
    settled = next((entry for entry in reversed(ledger) if entry.sufficient), None)
    if settled is not None:
        return prove(own_words(settled), question, ledger, "inspector")
    why = ""
    if _may_join(meter, ledger, rejected):
        draft = await _draft(meter, ledger, forced=False)
        try:
            return prove(draft, question, ledger, "answerer")
        except Unproven as problem:
            why = str(problem)
        if cause == "gave_up" and meter.budget.closing() is None and _finishes(state):
            return Rejection(why)
    if meter.context.forced_choice:
        return await forced(meter, ledger, cause)
    if cause == "gave_up" and (why or rejected >= 0):
        cause = "rejected"
    return abstention(cause, why)


def _may_join(meter: Meter, ledger: Sequence[Evidence], rejected: int) -> bool:
    """Whether asking the answerer can change anything: there is something new that was seen."""
    seen = any(entry.observations for entry in ledger)
    closing_call_is_a_guess = meter.context.forced_choice and meter.budget.tokens_spent
    return seen and len(ledger) > rejected and not closing_call_is_a_guess


async def forced(meter: Meter, ledger: list[Evidence], cause: Cause | None) -> Answer:
    """The answerer's best guess, marked as such."""
    draft = await _draft(meter, ledger, forced=True)
    return guessed(draft, meter.task.question, ledger, "answerer", cause=cause)


def guessed(
    draft: AnswerDraft, question: Question, ledger: Sequence[Evidence], by: Author, **more: Any
) -> Answer:
    """A guess, or an abstention where it says nothing or names no valid option."""
    try:
        return guess(draft, question, ledger, by, **more)
    except Unproven as problem:
        return abstention("no_choice", str(problem))


async def _draft(meter: Meter, ledger: list[Evidence], *, forced: bool) -> AnswerDraft:
    notes = [note_of(entry) for entry in ledger]
    request = AnswerRequest(question=meter.task.question, evidence=notes, forced=forced)
    answerer = meter.resources.models.answerer
    return await meter.ask("answerer", lambda: answerer.answer(request), closing=True)


def own_words(entry: Evidence) -> AnswerDraft:
    """An inspection's verdict in the form of a draft that cites it."""
    return AnswerDraft(
        supported=entry.sufficient,
        answer=entry.answer,
        choice=entry.choice,
        cites=[entry.id],
        confidence=entry.confidence,
    )


def abstention(cause: Cause, detail: str = "") -> Answer:
    """No answer, with the cause in words."""
    words = _WORDS.get(cause, "the run failed")
    return abstain(cause, f"{words}: {detail}" if detail and detail != words else words)
