"""The planner's turn: choose where to look next, or end the search."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast
from uuid import uuid4

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite
from pydantic import ValidationError

from videoseal.core.errors import UnknownVideo, VideosealError, faults
from videoseal.core.text import clean_text
from videoseal.graph.budget import Spent
from videoseal.graph.calls import NUDGE_PREFIX, Refusal, own_message, read_turn, refuse, turns_of
from videoseal.graph.context import Context
from videoseal.graph.events import Planned, Refused, Started
from videoseal.graph.planner_messages import system_prompt, task_prompt, tool_names
from videoseal.graph.session import OutOfBudget, Session, failure_of, open_session
from videoseal.graph.state import Call, State, Task, Trouble
from videoseal.indexing.index_rows import VideoRow
from videoseal.indexing.store.store import Store
from videoseal.models.types import Question, Reply, Usage
from videoseal.tools.schemas import Finish, tool_specs

__all__ = ["InvalidQuestion", "ask_planner", "plan"]

_MAX_TROUBLE = 3
"""Tool failures that are no fault of the planner before they end the run."""

_Where = Literal["visual_retrieve", "overview", "visual_inspect", "answer"]
_Update = dict[str, Any]


async def plan(state: State, runtime: Runtime[Context]) -> Command[_Where]:
    """Choose where to look next, or end the search."""
    if not _begins(state):
        session = await open_session(state, runtime)
        assert state.task is not None
        turns = turns_of(state.messages, state.task.message_id)
        return await _search(session, state.task, turns, state.trouble, {})
    try:
        session = await open_session(state, runtime, Spent())
        opening = await _open_task(state, session.context, session.resources.store)
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


def _started(opening: _Opening) -> Started:
    task = opening.task
    return Started(
        video_id=task.video_id,
        title=opening.video.title,
        duration=task.duration,
        question=task.question.text,
        options=task.question.options,
        message_id=task.message_id,
    )


def _fresh(opening: _Opening | None, spent: Spent | None) -> _Update:
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


async def ask_planner(
    session: Session, task: Task, turns: Sequence[BaseMessage], *, closing: bool = False
) -> AIMessage:
    """The planner's next message, one step of the budget unless it closes the run.

    Raises ModelError, or OutOfBudget at the deadline.
    """
    mode = session.context.mode
    tools = tool_specs(("finish",) if closing else tool_names(mode))
    planner = session.resources.models.planner.bind_tools(tools)
    messages: list[BaseMessage] = [
        SystemMessage(system_prompt(mode)),
        HumanMessage(task_prompt(task.question, task.video_id, task.duration)),
        *turns,
    ]

    async def work() -> Reply[AIMessage]:
        began = time.monotonic()
        message = await planner.ainvoke(messages)
        assert isinstance(message, AIMessage)
        return Reply(message, _usage(message, time.monotonic() - began))

    if not closing:
        session.spent = session.spent.step()
    return own_message(await session.ask("planner", work, closing=closing), session.spent.steps)


def _usage(message: AIMessage, seconds: float) -> Usage:
    told = message.usage_metadata
    read, written = (told["input_tokens"], told["output_tokens"]) if told else (0, 0)
    return Usage(1, read, written, 0, seconds)


class InvalidQuestion(Exception):
    """The input holds no question that can be asked."""


class _Opening(NamedTuple):
    """A settled task, the video it is about, and the message to add where none asked it."""

    task: Task
    video: VideoRow
    messages: list[AnyMessage]


def _begins(state: State) -> bool:
    """Whether this is a new question, not the next turn of one that is being worked on."""
    if state.task is None or state.answer is not None:
        return True
    human = _last_human(state)
    return state.question != state.task.asked or (
        human is not None and human.id != state.task.human_id
    )


async def _open_task(state: State, context: Context, store: Store) -> _Opening:
    """Settle question and video; raises InvalidQuestion, or StoreError such as UnknownVideo."""
    human = _last_human(state)
    question, in_chat = _question(state, human)
    name = state.video_id or context.video_id
    if not name:
        raise InvalidQuestion("no video is named: give video_id in the input or in the context")
    video = await asyncio.to_thread(store.video, name)
    if video.status != "ready":
        raise UnknownVideo(
            f"{video.id} is still being indexed", hint="run `videoseal index` on it again"
        )
    added: list[AnyMessage] = []
    if not in_chat or human is None:
        human = HumanMessage(question.render(), id=str(uuid4()))
        added = [human]
    last = [*state.messages, *added][-1]
    task = Task(
        question=question,
        video_id=video.id,
        duration=video.duration,
        asked=state.question,
        human_id=human.id or "",
        message_id=last.id or "",
    )
    return _Opening(task, video, added)


def _question(state: State, human: HumanMessage | None) -> tuple[Question, bool]:
    """The question, and whether it came as a chat message.

    On a thread the question field keeps its last value, so a message that came after it wins.
    """
    before = state.task
    newer = human is not None and before is not None and human.id != before.human_id
    stale = before is not None and before.asked == state.question and newer
    try:
        if state.question.strip() and not stale:
            return _clean(state.question, state.options), False
        if human is not None and human.text.strip():
            options = [] if stale else state.options
            return _clean(human.text, options), True
    except ValidationError as error:
        problem = faults(error)[0].message
        raise InvalidQuestion(f"the question cannot be asked: {problem}") from None
    raise InvalidQuestion("there is no question: give it in the input or as a message")


def _clean(text: str, options: list[str]) -> Question:
    return Question(text=clean_text(text.strip()), options=[clean_text(item) for item in options])


def _last_human(state: State) -> HumanMessage | None:
    for message in reversed(state.messages):
        if isinstance(message, HumanMessage) and not (message.id or "").startswith(NUDGE_PREFIX):
            return message
    return None
