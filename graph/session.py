"""One node's view of the run: its task, its budgets, and calls that are timed and counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from langgraph.runtime import Runtime

from videoseal.core.errors import VideosealError
from videoseal.graph.budget import Budget, Spender, Spent
from videoseal.graph.calls import replies
from videoseal.graph.context import Context
from videoseal.graph.events import Called, Event, Refused
from videoseal.graph.planner_messages import error_payload
from videoseal.graph.resources import Resources, resources_of_run
from videoseal.graph.state import Call, Failure, State, Task, Trouble
from videoseal.models.types import Reply, Usage

__all__ = ["OutOfBudget", "Session", "failure_of", "open_session", "task_and_call"]

_T = TypeVar("_T")


class OutOfBudget(Exception):
    """The deadline passed before or during a call, or no more tokens may be spent on it."""

    def __init__(self, cause: Literal["time", "tokens"]) -> None:
        super().__init__(f"the {cause} for this question is used up")
        self.cause: Literal["time", "tokens"] = cause


class Session:
    """What a node works with; `spent` grows as it calls."""

    def __init__(
        self, resources: Resources, context: Context, spent: Spent, runtime: Runtime[Context]
    ) -> None:
        self.resources = resources
        self.context = context
        self.spent = spent
        self._write = runtime.stream_writer

    @property
    def budget(self) -> Budget:
        """What is left now."""
        return Budget(self.context, self.spent)

    def emit(self, event: Event) -> None:
        """Send an event to whoever streams this run."""
        self._write(event.model_dump(mode="json"))

    async def ask(
        self, role: Spender, work: Callable[[], Awaitable[Reply[_T]]], *, closing: bool = False
    ) -> _T:
        """Await a model's reply within the deadline and count what it cost; OutOfBudget if late."""
        began = time.monotonic()
        usage: Usage | None = None
        try:
            reply = await self._in_time(work, closing=closing)
            usage = reply.usage
        finally:
            seconds = time.monotonic() - began
            # A call that failed has cost its time, whatever else it cost.
            usage = usage or Usage(calls=1, seconds=seconds)
            self.spent = self.spent.call(role, usage)
            tokens = usage.prompt_tokens + usage.completion_tokens
            step = self.spent.steps
            self.emit(Called(step=step, who=role, role=True, seconds=seconds, tokens=tokens))
        return reply.value

    async def work(self, who: str, work: Callable[[], Awaitable[_T]]) -> _T:
        """Await a tool's own work within the deadline; OutOfBudget if late."""
        began = time.monotonic()
        try:
            return await self._in_time(work, closing=False)
        finally:
            seconds = time.monotonic() - began
            self.emit(Called(step=self.spent.steps, who=who, role=False, seconds=seconds))

    async def _in_time(self, work: Callable[[], Awaitable[_T]], *, closing: bool) -> _T:
        seconds = self.budget.seconds(closing=closing)
        if seconds <= 0:
            raise OutOfBudget("time")
        if self.budget.tokens_spent and not closing:
            raise OutOfBudget("tokens")
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await work()
        except TimeoutError:
            if limit.expired():
                raise OutOfBudget("time") from None
            raise

    def result(self, call: Call, payload: dict[str, Any]) -> dict[str, Any]:
        """The state update of a tool that did its work."""
        messages = replies(call, payload, self.budget.left)
        return {"messages": messages, "spent": self.spent, "call": None}

    def failed(
        self, call: Call, error: VideosealError | OutOfBudget, trouble: Trouble | None
    ) -> dict[str, Any]:
        """The state update of a tool that could not: the planner is told, and it is counted."""
        if isinstance(error, OutOfBudget):
            return self.refused(call, "OutOfBudget", str(error))
        failure = failure_of(error)
        count = trouble.count + 1 if trouble else 1
        update = self.refused(call, failure.type, failure.message)
        return {**update, "trouble": Trouble(count=count, last=failure)}

    def refused(self, call: Call, error: str, message: str) -> dict[str, Any]:
        """The state update of a call that the planner got wrong."""
        self.emit(Refused(step=self.spent.steps, error=error, message=message))
        return self.result(call, error_payload(error, message))


async def open_session(
    state: State, runtime: Runtime[Context], spent: Spent | None = None
) -> Session:
    """The session of a node that runs now; `spent` starts a new count."""
    context = runtime.context or Context()
    resources = await resources_of_run()
    spent = spent or state.spent or Spent()
    run = (runtime.execution_info.run_id if runtime.execution_info else None) or ""
    if spent.run != run:
        spent = spent.resumed(run)
    return Session(resources, context, spent, runtime)


def task_and_call(state: State) -> tuple[Task, Call]:
    """What the planner left for a tool node."""
    assert state.task is not None
    assert state.call is not None
    return state.task, state.call


def failure_of(error: Exception) -> Failure:
    """An error as it is recorded."""
    return Failure(type=type(error).__name__, message=" ".join(str(error).split())[:1000])
