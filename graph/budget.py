"""What a run has spent, and what is left of its budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from videoseal.graph.context import Context
from videoseal.models.types import Usage

__all__ = ["Budget", "Left", "OutOfBudget", "RoleUsage", "Spender", "Spent", "add_spent"]

Spender = Literal["planner", "inspector", "answerer", "embedder"]
_RESERVE_SHARE: Final = 0.1
_RESERVE_SECONDS: Final = 30.0

_Closing = Literal["steps", "frames", "tokens", "time"]


class OutOfBudget(Exception):
    """The deadline passed before or during a call, or no more tokens may be spent on it."""

    def __init__(self, cause: Literal["time", "tokens", "dollars"]) -> None:
        super().__init__(f"the {cause} for this question is used up")
        self.cause: Literal["time", "tokens", "dollars"] = cause


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
    """What a run has spent so far, or what one node adds to it."""

    model_config = ConfigDict(frozen=True)

    elapsed: float = 0.0
    """Seconds that nodes worked: of calls side by side the longest; pauses cost none."""
    steps: int = 0
    """Turns of the planner."""
    frames: int = 0
    """Frames handed to the inspector, also where its call then failed."""
    roles: dict[str, RoleUsage] = Field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Tokens of all roles, read and written."""
        return sum(r.prompt_tokens + r.completion_tokens for r in self.roles.values())

    @property
    def total(self) -> RoleUsage:
        """The usage of all roles together."""
        total = RoleUsage()
        for usage in self.roles.values():
            total = total.plus(usage.as_usage())
        return total

    def call(self, role: Spender, usage: Usage) -> Spent:
        """One more reply of a role."""
        mine = self.roles.get(role, RoleUsage()).plus(usage)
        return self.model_copy(update={"roles": {**self.roles, role: mine}})

    def plus(self, more: Spent) -> Spent:
        """The sum; both tell the time from the start of the question."""
        roles = dict(self.roles)
        for role, usage in more.roles.items():
            roles[role] = roles.get(role, RoleUsage()).plus(usage.as_usage())
        return Spent(
            elapsed=max(self.elapsed, more.elapsed),
            steps=self.steps + more.steps,
            frames=self.frames + more.frames,
            roles=roles,
        )


def add_spent(total: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """The reducer of the channel `spent`: every node adds its own, in any order."""
    return Spent.model_validate(total).plus(Spent.model_validate(more)).model_dump()


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

    def shares(self, looks: int) -> list[int]:
        """Frames that each of so many looks of one turn may show; 0 for those beyond the budget."""
        left = self.left["frames"]
        even, more = divmod(left, looks) if looks else (0, 0)
        most = self.context.frames_per_inspect
        return [min(most, even + (number < more)) for number in range(looks)]

    @property
    def tokens_spent(self) -> bool:
        """Whether the token budget has been reached."""
        limit = self.context.max_tokens
        return limit is not None and self.spent.tokens >= limit

    def seconds(self, *, closing: bool = False) -> float:
        """Seconds until the deadline; the search stops earlier so that an answer can follow."""
        whole = self.context.max_seconds
        reserve = 0.0 if closing else min(_RESERVE_SHARE * whole, _RESERVE_SECONDS)
        return whole - reserve - self.spent.elapsed

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
