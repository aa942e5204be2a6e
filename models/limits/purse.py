"""Dollars: what calls cost by the price of their endpoint, and limits that no call may break.

A call holds back the most that it may cost before it is sent, so that calls side by side cannot
break a limit together. Endpoints without a price cost nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final, Literal

from videoseal.core.errors import SpendingLimit
from videoseal.core.settings import ROLES, Settings

__all__ = ["Purse", "dollars_of", "held_for", "of_process", "paying", "purse_of"]

_MILLION: Final = 1_000_000
_RAISE: Final = {"question": "max_dollars (ask --max-dollars)", "process": "VIDEOSEAL_MAX_DOLLARS"}
_KEPT: Final = 4096
"""Questions of a process whose purses are remembered."""


class Purse:
    """What may be spent; safe for threads."""

    def __init__(self, of: Literal["question", "process"]) -> None:
        self.of: Final = of
        self.limit: float | None = None
        """In dollars; None for no limit."""
        self.spent = 0.0
        self._held = 0.0
        self._lock = threading.Lock()

    def hold(self, dollars: float) -> None:
        """Hold back what a call may cost; raises SpendingLimit where that would be too much."""
        with self._lock:
            whole = self.spent + self._held + dollars
            if self.limit is not None and whole > self.limit:
                raise SpendingLimit(
                    f"the next call may cost ${dollars:.4f}, and ${whole - dollars:.4f} of the "
                    f"${self.limit:.4f} of this {self.of} are spent or held back",
                    of=self.of,
                    hint=f"raise {_RAISE[self.of]}",
                )
            self._held += dollars

    def settle(self, held: float, cost: float) -> None:
        """Pay what a call did cost out of what was held back for it."""
        with self._lock:
            self._held -= held
            self.spent += cost


@lru_cache(_KEPT)
def purse_of(question: str) -> Purse:
    """The purse of one question in this process, by an id of its own."""
    return Purse("question")


@lru_cache(1)
def of_process() -> Purse:
    """The purse of everything that this process asks."""
    return Purse("process")


_QUESTION: Final[ContextVar[Purse | None]] = ContextVar("purse", default=None)


@contextmanager
def paying(purse: Purse) -> Iterator[None]:
    """Calls made inside are paid from this purse, too."""
    token = _QUESTION.set(purse)
    try:
        yield
    finally:
        _QUESTION.reset(token)


@contextmanager
def held_for(limit: float | None, most: float) -> Iterator[list[float]]:
    """Hold back the most that a call may cost; what is put into the list is what it did cost.

    `limit` is that of the process. Raises SpendingLimit.
    """
    process = of_process()
    process.limit = limit
    question = _QUESTION.get()
    purses = [purse for purse in (question, process) if purse]
    held: list[Purse] = []
    cost: list[float] = []
    try:
        for purse in purses:
            purse.hold(most)
            held.append(purse)
        yield cost
    finally:
        for purse in held:
            purse.settle(most, sum(cost))


def dollars_of(roles: Mapping[str, Any], settings: Settings) -> float:
    """What the usage of roles, by their names, cost."""
    total = 0.0
    for role in ROLES:
        endpoint, usage = settings.endpoint(role), roles.get(role)
        if endpoint and endpoint.price and usage:
            read, written = endpoint.price
            total += usage.prompt_tokens * read + usage.completion_tokens * written
    return total / _MILLION
