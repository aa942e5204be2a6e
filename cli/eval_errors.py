"""What went wrong while questions were asked or judged: every reason once, with its count."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from cli.output import notes, plain

if TYPE_CHECKING:
    from evals.records import SampleError

__all__ = ["Errors"]

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
