"""Many jobs on one event loop, a few of them at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

__all__ = ["as_done"]

Job = TypeVar("Job")
Result = TypeVar("Result")


async def as_done(
    work: Callable[[Job], Coroutine[Any, Any, Result]], jobs: Iterable[Job], at_once: int
) -> AsyncGenerator[list[asyncio.Task[Result]], None]:
    """Finished tasks in the order in which they are done, those that end together together.

    Whoever stops listening cancels what still runs; use it with `aclosing`.
    """
    waiting = iter(jobs)
    running: set[asyncio.Task[Result]] = set()
    try:
        while True:
            for job in waiting:
                running.add(asyncio.create_task(work(job)))
                if len(running) >= at_once:
                    break
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            yield list(done)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
