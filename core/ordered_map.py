"""Work shared among threads, with the results in order and only a few of them waiting."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeVar

__all__ = ["in_order"]

J = TypeVar("J")
R = TypeVar("R")
_MOST_WAITING: Final = 4
_POLL_S: Final = 0.1


class _End:
    """The end of a job's results, with what stopped it."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


class _Lane(Generic[J, R]):
    """A thread that works through its jobs, and the few results of it that wait."""

    def __init__(self, jobs: Sequence[J], work: Callable[[J], Iterator[R]]) -> None:
        self._jobs = jobs
        self._work = work
        self._results: queue.Queue[R | _End] = queue.Queue(_MOST_WAITING)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self) -> Iterator[R]:
        """The results of the next job; raises its error."""
        while not isinstance(result := self._results.get(), _End):
            yield result
        if result.error is not None:
            raise result.error

    def stop(self) -> None:
        """Leave the rest undone; `join` waits for it."""
        self._stopped.set()

    def join(self) -> None:
        """Wait for the thread."""
        self._thread.join()

    def _run(self) -> None:
        for job in self._jobs:
            end = _End(None)
            try:
                for result in self._work(job):
                    if not self._put(result):
                        return
            except Exception as error:  # raised where its result is taken, in the other thread
                end = _End(error)
            if not self._put(end):
                return

    def _put(self, result: R | _End) -> bool:
        while not self._stopped.is_set():
            try:
                self._results.put(result, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False


def in_order(jobs: Sequence[J], work: Callable[[J], Iterator[R]], *, workers: int) -> Iterator[R]:
    """The results of all jobs, job by job, while the next jobs are already being worked on.

    Job `i` runs on thread `i % workers`; each thread waits when 4 of its results are not yet
    taken. An error is raised where its result would have come. Threads end with the iteration.
    """
    lanes = [_Lane(jobs[worker::workers], work) for worker in range(workers)]
    try:
        for index in range(len(jobs)):
            yield from lanes[index % workers].take()
    finally:
        for lane in lanes:
            lane.stop()
        for lane in lanes:
            lane.join()
