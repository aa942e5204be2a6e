"""Write the answer from the ledger, abstain, or send the planner on."""

from __future__ import annotations

from typing import Any, Literal
from uuid import uuid4

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from videoseal.core.errors import VideosealError
from videoseal.graph.answers import Answer, abstain
from videoseal.graph.calls import ANSWER_PREFIX, replies
from videoseal.graph.context import Context
from videoseal.graph.deciding import Rejection, decide
from videoseal.graph.events import Answered, Rejected
from videoseal.graph.planner_messages import answer_text, error_payload
from videoseal.graph.session import Session, failure_of, open_session
from videoseal.graph.state import Failure, State

__all__ = ["answer"]

_Where = Literal["plan", "__end__"]


async def answer(state: State, runtime: Runtime[Context]) -> Command[_Where]:
    """Write the answer from the ledger, abstain, or send the planner on."""
    session = await open_session(state, runtime)
    if state.error is not None:
        return _failed(session, state.error)
    assert state.task is not None
    try:
        outcome = await decide(session, state, state.task)
    except VideosealError as error:
        return _failed(session, failure_of(error))
    if isinstance(outcome, Rejection):
        return _send_on(session, state, outcome)
    if outcome.outcome == "abstained" and state.trouble is not None and not state.evidence:
        # Nothing could be looked at because tools failed: that is no finding about the video.
        return _failed(session, state.trouble.last)
    return _end(session, outcome)


def _send_on(session: Session, state: State, rejection: Rejection) -> Command[_Where]:
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
