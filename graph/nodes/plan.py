"""The planner's turn: choose where to look next, or end the search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from langchain_core.messages import BaseMessage
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite

from videoseal.core.errors import VideosealError
from videoseal.graph.budget import Spent
from videoseal.graph.calls import Refusal, read_turn, refuse, turns_of
from videoseal.graph.context import Context
from videoseal.graph.events import Planned, Refused, Started
from videoseal.graph.opening import InvalidQuestion, Opening, begins, open_task
from videoseal.graph.planner_messages import tool_names
from videoseal.graph.session import OutOfBudget, Session, failure_of, open_session
from videoseal.graph.state import Call, State, Task, Trouble
from videoseal.graph.turn import ask_planner
from videoseal.models.types import Question
from videoseal.tools.schemas import Finish

__all__ = ["plan"]

_MAX_TROUBLE = 3
"""Tool failures that are no fault of the planner before they end the run."""

_Where = Literal["visual_retrieve", "overview", "visual_inspect", "answer"]
_Update = dict[str, Any]


async def plan(state: State, runtime: Runtime[Context]) -> Command[_Where]:
    """Choose where to look next, or end the search."""
    if not begins(state):
        session = await open_session(state, runtime)
        assert state.task is not None
        turns = turns_of(state.messages, state.task.message_id)
        return await _search(session, state.task, turns, state.trouble, {})
    try:
        session = await open_session(state, runtime, Spent())
        opening = await open_task(state, session.context, session.resources.store)
    except (VideosealError, InvalidQuestion) as error:
        return _go("answer", {**_fresh(None, None), "error": failure_of(error)})
    session.emit(_started(opening))
    update = _fresh(opening, session.spent)
    match session.context.mode:
        case "blind":
            return _go("answer", update)
        case "direct":
            call = Call(id="direct", tool="visual_inspect")
            return _go("visual_inspect", {**update, "call": call})
        case _:
            return await _search(session, opening.task, [], None, update)


async def _search(
    session: Session,
    task: Task,
    turns: Sequence[BaseMessage],
    trouble: Trouble | None,
    update: _Update,
) -> Command[_Where]:
    """Ask the planner until it makes a call that can be carried out, or the search is over."""
    said: list[BaseMessage] = list(update.get("messages", []))
    added: list[BaseMessage] = []
    nudged = False

    def go(where: _Where, **more: Any) -> Command[_Where]:
        return _go(where, {**update, "messages": said + added, "spent": session.spent, **more})

    if trouble and (trouble.count >= _MAX_TROUBLE or trouble.last.type == "ModelAuthError"):
        return go("answer", error=trouble.last)
    while (cause := session.budget.closing()) is None:
        try:
            turn = await ask_planner(session, task, [*turns, *added])
        except OutOfBudget as spent:
            return go("answer", cause=spent.cause)
        except VideosealError as error:
            return go("answer", error=failure_of(error))
        added.append(turn)
        read = read_turn(turn, tool_names(session.context.mode))
        problem = read if isinstance(read, Refusal) else _unfit(read, task.question)
        if problem is None:
            return _carry_out(session, cast(Call, read), go)
        if not problem.ids and nudged:
            return go("answer", cause="no_call")
        nudged = not problem.ids
        step = session.spent.steps
        session.emit(Refused(step=step, error=problem.error, message=problem.message))
        added.extend(refuse(problem, session.budget.left))
    return go("answer", cause=cause)


def _carry_out(session: Session, call: Call, go: Any) -> Command[_Where]:
    left = session.budget.left
    session.emit(
        Planned(
            step=session.spent.steps,
            tool=call.tool,
            args=call.args,
            steps_left=left["steps"],
            frames_left=left["frames"],
        )
    )
    match call.tool:
        case "give_up":
            return cast(Command[_Where], go("answer", call=call, cause="gave_up"))
        case "finish":
            return cast(Command[_Where], go("answer", call=call, finish=Finish(**call.args)))
        case tool:
            return cast(Command[_Where], go(tool, call=call))


def _unfit(call: Call, question: Question) -> Refusal | None:
    """A planner's own answer must name an option where there are options."""
    named = question.option(call.args.get("choice")) is not None
    if call.tool != "finish" or not question.options or named:
        return None
    message = f"choice must be one of {', '.join(question.letters)}"
    return Refusal("BadArguments", message, [call.id, *call.refused], call.tool)


def _started(opening: Opening) -> Started:
    task = opening.task
    return Started(
        video_id=task.video_id,
        title=opening.video.title,
        duration=task.duration,
        question=task.question.text,
        options=task.question.options,
        message_id=task.message_id,
    )


def _fresh(opening: Opening | None, spent: Spent | None) -> _Update:
    """The state of a new question: nothing of an earlier one on the same thread remains."""
    return {
        "task": opening.task if opening else None,
        "messages": opening.messages if opening else [],
        "spent": spent,
        "evidence": Overwrite([]),
        "answer": None,
        "error": None,
        "call": None,
        "cause": None,
        "finish": None,
        "trouble": None,
        "rejected": -1,
    }


def _go(where: _Where, update: _Update) -> Command[_Where]:
    return Command(update=update, goto=where)
