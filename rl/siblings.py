"""Samples of one question that are compared with each other, and those of them that failed.

GRPO pays a sample by how it differs from the mean of its group, so a sample that says nothing must
have just that mean: any other number would shift what all the others are paid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

__all__ = ["Group", "Groups"]


class Group:
    """The samples of one question that run now."""

    def __init__(self) -> None:
        self._running = 0
        self._paid: list[float] = []
        self._over = asyncio.Event()

    def join(self) -> None:
        """Count one more sample; all of a group must have joined before the first one leaves."""
        self._running += 1
        self._over.clear()

    def leave(self, reward: float | None) -> bool:
        """Report a sample's reward, None for one that failed; whether it was the last."""
        if reward is not None:
            self._paid.append(reward)
        self._running -= 1
        if self._running == 0:
            self._over.set()
        return self._running == 0

    async def mean(self) -> float:
        """The mean reward once all samples have left; 0 when all failed."""
        await self._over.wait()
        return sum(self._paid) / len(self._paid) if self._paid else 0.0


class Groups:
    """The groups of a process."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Group] = {}

    def join(self, key: Hashable) -> Group:
        """The running group of a question, with one more sample."""
        group = self._running.setdefault(key, Group())
        group.join()
        return group

    def leave(self, key: Hashable, reward: float | None) -> None:
        """Report a sample; a group that is over is forgotten."""
        if self._running[key].leave(reward):
            del self._running[key]
