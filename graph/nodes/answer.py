"""Write the answer from the ledger, abstain, or send the planner on."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from videoseal.core.errors import VideosealError
from videoseal.graph.answers import Answer, Cause, Unproven, abstain, guess, prove
from videoseal.graph.calls import ANSWER_PREFIX, read_turn, replies, turns_of
from videoseal.graph.context import Context
from videoseal.graph.events import Answered, Rejected
from videoseal.graph.ledger import Evidence, note_of
from videoseal.graph.nodes.plan import ask_planner
from videoseal.graph.planner_messages import answer_text, error_payload, finish_now
from videoseal.graph.session import OutOfBudget, Session, failure_of, open_session
from videoseal.graph.state import Call, Failure, State, Task
from videoseal.models.types import AnswerDraft, AnswerRequest

__all__ = ["answer"]

_Where = Literal["plan", "__end__"]


async def answer(state: State, runtime: Runtime[Context]) -> Command[_Where]:
    """Write the answer from the ledger, abstain, or send the planner on."""
    session = await open_session(state, runtime)
    if state.error is not None:
        return _failed(session, state.error)
    assert state.task is not None
    try:
        outcome = await _decide(session, state, state.task)
    except VideosealError as error:
        return _failed(session, failure_of(error))
    if isinstance(outcome, _Rejection):
        return _send_on(session, state, outcome)
    if outcome.outcome == "abstained" and state.trouble is not None and not state.evidence:
        # Nothing could be looked at because tools failed: that is no finding about the video.
        return _failed(session, state.trouble.last)
    return _end(session, outcome)


def _send_on(session: Session, state: State, rejection: _Rejection) -> Command[_Where]:
    assert state.call is not None
    session.emit(Rejected(step=session.spent.steps, reason=rejection.reason))
    payload = error_payload("Rejected", rejection.reason)
    update = {
        "messages": replies(state.call, payload, session.budget.left),
        "spent": session.spent,
        "rejected": len(state.evidence),
        "call": None,
        "cause": None,
    }
    return Command(update=update, goto="plan")


def _failed(session: Session, failure: Failure) -> Command[_Where]:
    outcome = abstain("error", f"the run failed: {failure.message}")
    return _end(session, outcome, error=failure)


def _end(session: Session, outcome: Answer, **more: Any) -> Command[_Where]:
    session.emit(Answered(answer=outcome))
    said = AIMessage(answer_text(outcome), id=f"{ANSWER_PREFIX}{uuid4()}")
    update = {"answer": outcome, "messages": [said], "spent": session.spent, **more}
    return Command(update=update, goto="__end__")


_WORDS: Final[dict[Cause, str]] = {
    "gave_up": "the search found nothing that settles the question",
    "steps": "the step budget was spent before the question was settled",
    "frames": "the frame budget was spent before the question was settled",
    "tokens": "the token budget was spent before the question was settled",
    "time": "the time was over before the question was settled",
    "no_call": "the planner stopped calling tools",
    "rejected": "the evidence does not carry an answer",
    "no_choice": "no valid option was named",
}


class _Rejection(NamedTuple):
    """The evidence carries no answer yet, and the search may go on."""

    reason: str


async def _decide(session: Session, state: State, task: Task) -> Answer | _Rejection:
    """The outcome of the run as its mode defines it; raises ModelError."""
    try:
        match session.context.mode:
            case "decoupled":
                return await _decoupled(session, state, task)
            case "coupled":
                return await _coupled(session, state, task)
            case "direct":
                return _direct(state, task)
            case "blind":
                return await _forced(session, task, [], None)
    except OutOfBudget as spent:
        return _abstain(spent.cause)


async def _decoupled(session: Session, state: State, task: Task) -> Answer | _Rejection:
    """A sufficient inspection is the answer; else the answerer joins what was seen."""
    ledger, cause = state.evidence, state.cause or "rejected"
    settled = next((entry for entry in reversed(ledger) if entry.sufficient), None)
    if settled is not None:
        return prove(_own_words(settled), task.question, ledger, "inspector")
    why = ""
    if _may_join(session, state):
        draft = await _draft(session, task, ledger, forced=False)
        try:
            return prove(draft, task.question, ledger, "answerer")
        except Unproven as problem:
            why = str(problem)
        if cause == "gave_up" and session.budget.closing() is None:
            return _Rejection(why)
    if session.context.forced_choice:
        return await _forced(session, task, ledger, cause)
    if cause == "gave_up" and (why or state.rejected >= 0):
        cause = "rejected"
    return _abstain(cause, why)


def _may_join(session: Session, state: State) -> bool:
    """Whether asking the answerer can change anything: there is something new that was seen."""
    seen = any(entry.observations for entry in state.evidence)
    closing_call_is_a_guess = session.context.forced_choice and session.budget.tokens_spent
    return seen and len(state.evidence) > state.rejected and not closing_call_is_a_guess


async def _coupled(session: Session, state: State, task: Task) -> Answer:
    """The planner's own answer; asked for once more where a guess is wanted."""
    finish, cause = state.finish, state.cause or "gave_up"
    if finish is not None:
        draft = AnswerDraft(supported=True, answer=finish.answer, choice=finish.choice)
        return guess(draft, task.question, [], "planner", forced=False)
    if not session.context.forced_choice:
        return _abstain(cause)
    turns = [*turns_of(state.messages, task.message_id), *_finish_now(session, state.call)]
    turn = read_turn(await ask_planner(session, task, turns, closing=True), ("finish",))
    if not isinstance(turn, Call):
        return _abstain("no_choice", turn.message)
    draft = AnswerDraft(supported=False, **turn.args)
    try:
        return guess(draft, task.question, [], "planner", cause=cause)
    except Unproven as problem:
        return _abstain("no_choice", str(problem))


def _finish_now(session: Session, waiting: Call | None) -> list[BaseMessage]:
    if waiting is None:
        return [HumanMessage(finish_now())]
    return replies(waiting, error_payload("SearchOver", finish_now()), session.budget.left)


def _direct(state: State, task: Task) -> Answer:
    """What the inspector said of the uniform frames."""
    if not state.evidence:
        return _abstain(state.cause or "time")
    try:
        return guess(_own_words(state.evidence[-1]), task.question, state.evidence, "inspector")
    except Unproven as problem:
        return _abstain("no_choice", str(problem))


async def _forced(
    session: Session, task: Task, ledger: list[Evidence], cause: Cause | None
) -> Answer:
    """The answerer's best guess, marked as such."""
    draft = await _draft(session, task, ledger, forced=True)
    try:
        return guess(draft, task.question, ledger, "answerer", cause=cause)
    except Unproven as problem:
        return _abstain("no_choice", str(problem))


async def _draft(
    session: Session, task: Task, ledger: list[Evidence], *, forced: bool
) -> AnswerDraft:
    notes = [note_of(entry) for entry in ledger]
    request = AnswerRequest(question=task.question, evidence=notes, forced=forced)
    answerer = session.resources.models.answerer
    return await session.ask("answerer", lambda: answerer.answer(request), closing=True)


def _own_words(entry: Evidence) -> AnswerDraft:
    """An inspection's verdict in the form of a draft that cites it."""
    return AnswerDraft(
        supported=entry.sufficient,
        answer=entry.answer,
        choice=entry.choice,
        cites=[entry.id],
        confidence=entry.confidence,
    )


def _abstain(cause: Cause, detail: str = "") -> Answer:
    words = _WORDS.get(cause, "the run failed")
    return abstain(cause, f"{words}: {detail}" if detail and detail != words else words)
