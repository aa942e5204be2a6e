"""Work shared among threads, with the results in order and only a few of them waiting."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

__all__ = ["in_order"]

J = TypeVar("J")
R = TypeVar("R")
_MOST_WAITING: Final = 4
_POLL_S: Final = 0.1


class _End(NamedTuple):
    """The end of a job's results, with what stopped it."""

    error: Exception | None


def in_order(jobs: Sequence[J], work: Callable[[J], Iterator[R]], *, workers: int) -> Iterator[R]:
    """The results of all jobs, job by job, while the next jobs are already being worked on.

    Job `i` runs on thread `i % workers`; each thread waits when 4 of its results are not yet
    taken. An error is raised where its result would have come. Threads end with the iteration.
    """
    stopped = threading.Event()
    lanes: list[queue.Queue[Any]] = [queue.Queue(_MOST_WAITING) for _ in range(workers)]

    def run(lane: queue.Queue[Any], mine: Sequence[J]) -> None:
        for job in mine:
            end = _End(None)
            try:
                if not all(_put(lane, result, stopped) for result in work(job)):
                    return
            except Exception as error:  # raised where its result is taken, in the other thread
                end = _End(error)
            if not _put(lane, end, stopped):
                return

    threads = [
        threading.Thread(target=run, args=(lane, jobs[number::workers]), daemon=True)
        for number, lane in enumerate(lanes)
    ]
    for thread in threads:
        thread.start()
    try:
        for index in range(len(jobs)):
            while not isinstance(result := lanes[index % workers].get(), _End):
                yield result
            if result.error is not None:
                raise result.error
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def _put(lane: queue.Queue[Any], result: Any, stopped: threading.Event) -> bool:
    """Wait for room; whether there was any before all was stopped."""
    while not stopped.is_set():
        try:
            lane.put(result, timeout=_POLL_S)
        except queue.Full:
            continue
        return True
    return False
