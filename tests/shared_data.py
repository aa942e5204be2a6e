"""Data beside the checkout that nobody may publish again: a film, and benchmarks' annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

__all__ = ["CASES", "DATA", "FILM", "needs_cases", "needs_data"]

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
FILM: Final = DATA / "media" / "big_buck_bunny.mp4"

CASES: Final = DATA.parent / "cases"

needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="not at hand: ../shared/cases")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="not at hand: ../shared/data")
