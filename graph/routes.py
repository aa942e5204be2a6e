"""Where a run goes next, decided by its state alone.

A router sees neither the run's context nor its resources, so that an edited, forked or resumed
state goes on from where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from langchain_core.messages import HumanMessage
from langgraph.graph import END
from langgraph.types import Send

from videoseal.graph.answers import Answer, Cause
from videoseal.graph.budget import Budget
from videoseal.graph.calls import (
    HINT_PREFIX,
    NUDGE_PREFIX,
    Call,
    Turn,
    end_of,
    insisted,
    read_calls,
    turns_after,
)
from videoseal.graph.ledger import next_number
from videoseal.graph.state import Job, State, answer_of, entries_of, spent_of, task_of
from videoseal.tools.schemas import ToolName

__all__ = [
    "after_answer",
    "after_plan",
    "after_review",
    "asks_anew",
    "ending",
    "last_human",
    "last_turn",
    "send",
    "turns_of",
]


_HELPED: Final = ("gave_up", "no_call", "repeated", "rejected")
"""Why a search ended that a hint can help on; where a budget is spent none can."""


def last_human(state: State) -> HumanMessage | None:
    """The last message in which a person asks; what the graph wrote or a hint says is none."""
    for message in reversed(state.get("messages") or []):
        ours = (message.id or "").startswith((NUDGE_PREFIX, HINT_PREFIX))
        if isinstance(message, HumanMessage) and not ours:
            return message
    return None


def asks_anew(state: State) -> bool:
    """Whether a question waits that `open` has not taken up."""
    if not state.get("task") or (state.get("question") or "").strip():
        return True
    human = last_human(state)
    return human is not None and human.id != task_of(state).human_id


def turns_of(state: State) -> list[Turn]:
    """The planner's turns on the present question."""
    return turns_after(state.get("messages") or [], task_of(state).message_id)


def last_turn(state: State) -> Turn | None:
    """The planner's last turn, if it had one."""
    turns = turns_of(state)
    return turns[-1] if turns else None


def ending(state: State, *, settles: bool = True) -> Cause | Literal["settled"] | None:
    """Why the search is over, or None while it goes on.

    `settles` is false where a sufficient look does not end it, because the planner answers.
    """
    if settles and any(entry.get("sufficient") for entry in entries_of(state)):
        return "settled"
    turns = turns_of(state)
    last = turns[-1] if turns else None
    if last and last.open_calls() and end_of(last) == "give_up":
        return "gave_up"
    if closing := Budget(task_of(state).context, spent_of(state)).closing():
        return closing
    if stopped := state.get("stopped"):
        return stopped if stopped in ("time", "dollars") else "tokens"  # type: ignore[return-value]
    if last and last.talked and not last.replies:
        return "no_call"
    return insisted(turns)


def _jobs(state: State, calls: Sequence[Call]) -> list[Job]:
    """The calls of one turn with each look's share of the frames, in their order."""
    task, spent = task_of(state), spent_of(state)
    budget = Budget(task.context, spent)
    looks = [call for call in calls if call.tool == "visual_inspect"]
    shares = dict(zip((call.id for call in looks), budget.shares(len(looks)), strict=True))
    number = next_number(entries_of(state))
    places = {call.id: number + place for place, call in enumerate(looks)}
    left, promised = budget.left, sum(shares.values())
    return [
        Job(
            id=call.id,
            tool=call.tool,
            args=call.args,
            task=task,
            spent=spent,
            left={**left, "frames": left["frames"] - promised + shares.get(call.id, 0)},
            frames=shares.get(call.id, 0),
            number=places.get(call.id, number),
            failures=len(state.get("failures") or []),
        )
        for call in calls
    ]


def after_plan(
    tools: tuple[ToolName, ...], *, settles: bool = True
) -> Callable[[State], str | list[Send]]:
    """The router behind the planner: its calls side by side, the planner again, or the answer."""

    def route(state: State) -> str | list[Send]:
        if asks_anew(state):
            return "open"
        over = ending(state, settles=settles)
        turn = last_turn(state)
        if over == "settled" or turn is None or not turn.open_calls():
            return "answer" if over else "plan"
        calls, refused = read_calls(turn, tools, task_of(state).question)
        if refused:
            return "plan"
        if end_of(turn):
            return "answer"
        return [send(job) for job in _jobs(state, calls)]

    return route


def send(job: Job) -> Send:
    """A job on its way to its tool's node."""
    return Send(job.tool, {"job": job.model_dump(mode="json")})


def _stands(state: State) -> Answer | None:
    """The outcome of the present question, if there is one.

    What only a client can have done makes it none: an answer to another question, or the removal
    of what it cites.
    """
    answer = answer_of(state)
    if answer is None or asks_anew(state) or answer.about != task_of(state).about:
        return None
    ledger = {entry.get("id") for entry in entries_of(state)}
    return answer if all(cited.evidence in ledger for cited in answer.citations) else None


def after_answer(state: State) -> str:
    """The router behind the answer: the end, a person's review, or on with the search."""
    answer = _stands(state)
    if answer is None:
        return "plan"
    choices = task_of(state).context
    helped = choices.ask_for_hint and answer.cause in _HELPED
    return "review" if (choices.review_answer if answer.proven else helped) else END


def after_review(state: State) -> str:
    """The router behind a person's review."""
    return END if _stands(state) else "plan"
