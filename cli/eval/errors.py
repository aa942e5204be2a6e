"""What went wrong while questions were asked or judged: every reason once, with its count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from videoseal.cli.output import notes
from videoseal.core.text import plain

if TYPE_CHECKING:
    from videoseal.evals.records import SampleError
    from videoseal.evals.scoring.systems import RecordedSystem

__all__ = ["Errors", "exit_if_all_failed"]

_SHOWN: Final = 10
"""Reasons that are told; the records have all of them."""


class Errors:
    """Reasons of one call of a command."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._reasons.total()

    def add(self, error: SampleError | None) -> None:
        """Count one; None is none."""
        if error is not None:
            self._reasons[error.message or error.type] += 1

    def tell(self) -> None:
        """Say on standard error what there was, and how to try again."""
        if not self._reasons:
            return
        lines = [f"{len(self):,} ended in an error (--retry-errors asks again):"]
        for reason, count in self._reasons.most_common(_SHOWN):
            lines.append(f"  {count:,} x {plain(reason)}")
        if len(self._reasons) > _SHOWN:
            lines.append(f"  and {len(self._reasons) - _SHOWN:,} other reasons")
        notes().print("\n".join(lines), soft_wrap=True)


def exit_if_all_failed(cells: Sequence[RecordedSystem]) -> None:
    """End with exit code 1 where questions were asked and every one of them ended in an error."""
    from videoseal.evals.scoring.scores import status_counts

    counts = [status_counts(cell.tally) for cell in cells]
    asked = sum(count["asked"] for count in counts)
    if asked and asked == sum(count["errored"] for count in counts):
        notes().print(f"error: every question ended in an error ({asked:,})", soft_wrap=True)
        click.get_current_context().exit(1)
