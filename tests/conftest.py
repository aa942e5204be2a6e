"""One embedded Postgres for each process, and a fresh migrated database for every test.

Processes take whole files, training first, which is for one of them. In CI nothing may be skipped
for want of what can be installed.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import hypothesis
import psycopg
import pytest

from videoseal.core.settings import Settings
from videoseal.indexing.postgres.server import EmbeddedServer
from videoseal.indexing.store.migrations import migrate
from videoseal.indexing.store.store import Store

IN_CI: Final = os.environ.get("CI", "").lower() == "true"
MAY_BE_SKIPPED: Final = (
    "the local-llm extra (1.1 GB) is not installed",
    "needs root",
    "root may write everywhere",
    "not at hand: ../shared/data",
)
"""Why a test may be skipped in CI too: too large, another user's, or data that nobody publishes."""

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile(
    "videoseal",
    deadline=None,
    derandomize=IN_CI,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("videoseal")

LONGEST: Final = ("rl/test_grpo.py", "rl/test_resume.py")

Report = TypeVar("Report", pytest.CollectReport, pytest.TestReport)
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole files to each process, and all training to one: it shares a video and a policy."""
    from xdist.scheduler import LoadFileScheduling

    class TrainingTogether(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "training" if file.endswith(LONGEST) else file

    return TrainingTogether(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI, a module that skips itself has failed."""
    return _unskipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, a test that is skipped has failed."""
    return _unskipped((yield))


def _unskipped(report: Report) -> Report:
    reason = report.longreprtext if report.skipped else ""
    if IN_CI and report.skipped and not any(known in reason for known in MAY_BE_SKIPPED):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"
    return report


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """A server with an empty, migrated database `template` to copy."""
    # Not under pytest's folders: another run of pytest may close those to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="videoseal-test-"))
    server = EmbeddedServer(folder, durable=False, linger_s=0)
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE template")
        with psycopg.connect(_database(server, "template")) as connection:
            migrate(connection)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(postgres: EmbeddedServer) -> Iterator[str]:
    """The address of an empty database with the current schema, dropped after the test."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy")
        yield _database(postgres, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """An open, empty store."""
    with Store.connect(Settings(database_url=database_url, data_dir=tmp_path)) as opened:
        yield opened


def _database(server: EmbeddedServer, name: str) -> str:
    return server.url.replace("/postgres?", f"/{name}?")
