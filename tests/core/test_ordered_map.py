"""Work shared among threads."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from videoseal.core.ordered_map import in_order


def counted(job: int) -> Iterator[tuple[int, int]]:
    return ((job, place) for place in range(job % 7))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_order_of_jobs(workers: int) -> None:
    """However many threads work, the caller sees one sequence."""
    expected = [result for job in range(40) for result in counted(job)]
    assert list(in_order(range(40), counted, workers=workers)) == expected


def test_an_error_is_raised_in_its_place() -> None:
    """What came before it is delivered; what would come after is not."""

    def failing(job: int) -> Iterator[int]:
        yield job
        if job == 3:
            raise LookupError("three")

    results = in_order(range(9), failing, workers=2)
    assert list(itertools.islice(results, 4)) == [0, 1, 2, 3]
    with pytest.raises(LookupError, match="three"):
        next(results)


def test_threads_end_when_the_caller_stops() -> None:
    """An iteration that is given up leaves no thread and no endless work behind."""
    before = threading.active_count()
    results = in_order([1, 2, 3], lambda _: itertools.count(), workers=2)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_workers_wait_for_the_caller() -> None:
    """Only a few results wait, so memory does not grow with the amount of work."""
    made = 0

    def busy(_: int) -> Iterator[int]:
        nonlocal made
        for number in range(1000):
            made += 1
            yield number

    results = in_order([0], busy, workers=1)
    for _ in range(10):
        next(results)
    assert made < 20
    results.close()  # type: ignore[attr-defined]
