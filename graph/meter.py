"""One node's work on a question: calls that keep to its budgets, are timed and counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from langgraph.types import StreamWriter

from videoseal.core.errors import ModelError, SpendingLimit
from videoseal.graph.budget import Budget, OutOfBudget, RoleUsage, Spender, Spent
from videoseal.graph.events import Called, Event
from videoseal.graph.resources import Resources
from videoseal.graph.state import Task
from videoseal.models.limits.purse import dollars_of, paying, purse_of
from videoseal.models.types import Reply, Usage

__all__ = ["Meter"]

_T = TypeVar("_T")


class Meter:
    """What a node works with; `cost` is what it adds to the channel `spent`."""

    def __init__(self, resources: Resources, task: Task, spent: Spent, write: StreamWriter) -> None:
        self.resources = resources
        self.task = task
        self.context = task.context
        self._before = spent
        self._added = Spent()
        self._began = time.monotonic()
        self._write = write
        self._purse = purse_of(task.message_id)
        self._purse.limit = task.context.max_dollars
        before = dollars_of(spent.roles, resources.settings)
        self._purse.spent = max(self._purse.spent, before)

    def cost(self) -> dict[str, Any]:
        """What this node has spent by now, for the state."""
        return self._now().model_dump()

    @property
    def budget(self) -> Budget:
        """What is left now."""
        return Budget(self.context, self._before.plus(self._now()))

    @property
    def step(self) -> int:
        """The planner's turn that this node belongs to, from 1."""
        return self._before.steps + self._added.steps

    def add(self, *, steps: int = 0, frames: int = 0) -> None:
        """Count turns of the planner, or frames handed over."""
        self._added = self._added.plus(Spent(steps=steps, frames=frames))

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
            with paying(self._purse):
                reply = await self._in_time(work, closing=closing)
            usage = reply.usage
        except SpendingLimit as limit:
            usage = Usage()
            if limit.of == "question":
                raise OutOfBudget("dollars") from None
            raise
        except ModelError as error:
            usage = error.cost
            raise
        finally:
            seconds = time.monotonic() - began
            # A call that failed has cost its time, whatever else it cost.
            usage = usage or Usage(calls=1, seconds=seconds)
            self._added = self._added.call(role, usage)
            cost = RoleUsage().plus(usage)
            self.emit(Called(step=self.step, who=role, role=True, seconds=seconds, usage=cost))
        return reply.value

    async def work(self, who: str, work: Callable[[], Awaitable[_T]]) -> _T:
        """Await a tool's own work within the deadline; OutOfBudget if late."""
        began = time.monotonic()
        try:
            return await self._in_time(work, closing=False)
        finally:
            seconds = time.monotonic() - began
            self.emit(Called(step=self.step, who=who, role=False, seconds=seconds))

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

    def _now(self) -> Spent:
        elapsed = self._before.elapsed + time.monotonic() - self._began
        return self._added.model_copy(update={"elapsed": elapsed})
