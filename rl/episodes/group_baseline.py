"""Samples of one question that are compared with each other, and those of them that failed.

GRPO pays a sample by how it differs from the mean of its group, so a sample that says nothing must
have just that mean: any other number would shift what all the others are paid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from statistics import fmean
from typing import Final, NamedTuple

__all__ = ["NOTHING", "Paid", "SiblingGroup", "SiblingGroups"]


class Paid(NamedTuple):
    """What the trainer is told of how good a sample was."""

    reward: float
    """What it learns from."""
    score: float
    """By which it drops questions that are always or never solved: the pay before costs."""


NOTHING: Final = Paid(0.0, 0.0)


class SiblingGroup:
    """The samples of one question that run now."""

    def __init__(self) -> None:
        self._running = 0
        self._paid: list[Paid] = []
        self._over = asyncio.Event()

    def join(self) -> None:
        """Count one more sample; all of a group must have joined before the first one leaves."""
        self._running += 1
        self._over.clear()

    def leave(self, paid: Paid | None) -> bool:
        """Report what a sample was paid, None for one that failed; whether it was the last."""
        if paid is not None:
            self._paid.append(paid)
        self._running -= 1
        if self._running == 0:
            self._over.set()
        return self._running == 0

    async def mean(self) -> Paid:
        """The means once all samples have left; 0 when all failed."""
        await self._over.wait()
        return Paid(*map(fmean, zip(*self._paid, strict=True))) if self._paid else NOTHING


class SiblingGroups:
    """The groups of a process."""

    def __init__(self) -> None:
        self._running: dict[Hashable, SiblingGroup] = {}

    def join(self, key: Hashable) -> SiblingGroup:
        """The running group of a question, with one more sample."""
        group = self._running.setdefault(key, SiblingGroup())
        group.join()
        return group

    def leave(self, key: Hashable, paid: Paid | None) -> None:
        """Report a sample; a group that is over is forgotten."""
        if self._running[key].leave(paid):
            del self._running[key]
