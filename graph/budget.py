"""What a run has spent, and what is left of its budgets."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from videoseal.graph.context import Context
from videoseal.models.types import Usage

__all__ = ["Budget", "Left", "RoleUsage", "Spender", "Spent"]

Spender = Literal["planner", "inspector", "answerer", "embedder"]
_RESERVE_SHARE: Final = 0.1
_RESERVE_SECONDS: Final = 30.0

_Closing = Literal["steps", "frames", "tokens", "time"]


class RoleUsage(BaseModel):
    """What the calls of one role cost."""

    model_config = ConfigDict(frozen=True)

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    frames: int = 0
    seconds: float = 0.0

    def plus(self, usage: Usage) -> RoleUsage:
        """The sum of both."""
        return RoleUsage(**self.as_usage().plus(usage)._asdict())

    def as_usage(self) -> Usage:
        """The same as one usage."""
        return Usage(**self.model_dump())


class Spent(BaseModel):
    """What a run has spent so far."""

    model_config = ConfigDict(frozen=True)

    run: str = ""
    """Id of the server's run that the clock belongs to; empty outside a server."""
    started: float = Field(default_factory=time.monotonic)
    """Monotonic clock at the start of the run, in seconds; of this machine."""
    elapsed: float = 0.0
    """Seconds from the start to the last count."""
    steps: int = 0
    """Turns of the planner."""
    frames: int = 0
    """Frames handed to the inspector, also where its call then failed."""
    roles: dict[str, RoleUsage] = Field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Tokens of all roles, read and written."""
        return sum(r.prompt_tokens + r.completion_tokens for r in self.roles.values())

    def step(self) -> Spent:
        """One more turn of the planner."""
        return self._counted(steps=self.steps + 1)

    def shown(self, frames: int) -> Spent:
        """More frames handed over."""
        return self._counted(frames=self.frames + frames)

    def call(self, role: Spender, usage: Usage) -> Spent:
        """One more reply of a role."""
        roles = {**self.roles, role: self.roles.get(role, RoleUsage()).plus(usage)}
        return self._counted(roles=roles)

    def resumed(self, run: str) -> Spent:
        """The same, counted on by another run: the pause between them costs no time."""
        return self.model_copy(update={"run": run, "started": time.monotonic() - self.elapsed})

    def _counted(self, **parts: object) -> Spent:
        return self.model_copy(update={**parts, "elapsed": time.monotonic() - self.started})


class Left(TypedDict):
    """What the planner is told in every tool message."""

    steps: int
    frames: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The budgets of a run beside what it has spent."""

    context: Context
    spent: Spent

    @property
    def left(self) -> Left:
        """Steps and frames that are left."""
        return {
            "steps": max(0, self.context.max_steps - self.spent.steps),
            "frames": max(0, self.context.max_frames - self.spent.frames),
        }

    @property
    def frames_now(self) -> int:
        """Frames that the next inspection may show."""
        return min(self.context.frames_per_inspect, self.left["frames"])

    @property
    def tokens_spent(self) -> bool:
        """Whether the token budget has been reached."""
        limit = self.context.max_tokens
        return limit is not None and self.spent.tokens >= limit

    def seconds(self, *, closing: bool = False) -> float:
        """Seconds until the deadline; the search stops earlier so that an answer can follow.

        A start that lies in the future was measured on another machine: the clock starts anew.
        """
        whole = self.context.max_seconds
        reserve = 0.0 if closing else min(_RESERVE_SHARE * whole, _RESERVE_SECONDS)
        return whole - reserve - max(0.0, time.monotonic() - self.spent.started)

    def closing(self) -> _Closing | None:
        """The budget that ends the search, or None while there is some of each left."""
        left = self.left
        if self.seconds() <= 0:
            return "time"
        if self.tokens_spent:
            return "tokens"
        if left["steps"] == 0:
            return "steps"
        return "frames" if left["frames"] == 0 else None
