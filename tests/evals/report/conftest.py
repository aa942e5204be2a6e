"""One made-up run of four systems, and its report."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evals.report.made_runs import SYSTEMS, make_frames, make_items, make_run
from videoseal.evals.report.write import ReportFiles, write_report


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four systems on 44 questions about six videos."""
    return make_run(tmp_path_factory.mktemp("runs") / "first", SYSTEMS, make_items(44, 6))


@pytest.fixture(scope="session")
def files(run: Path, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    """Its report, without pictures."""
    prices = {"made-8b": (0.5, 1.5)}
    return write_report([run], tmp_path_factory.mktemp("report"), prices=prices)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one system on four questions."""
    return make_run(tmp_path_factory.mktemp("runs") / "small", SYSTEMS[:1], make_items(4, 2))


@pytest.fixture(scope="session")
def frames(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frame cache with every frame of the small run."""
    return make_frames(tmp_path_factory.mktemp("frames"), small_run)
