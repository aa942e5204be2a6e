"""A question that is killed goes on where it was, and pays for no finished model call again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Place, foreign_settings
from tests.graph.serving import ROOT, endpoints, model_server
from videoseal.graph.episode import Episode

MOMENTS = [
    ("planner-0", 1), ("planner-1", 1), ("inspector-0", 2), ("done inspector-0", 1),
    ("planner-2", 1),
]  # fmt: skip
"""In the first turn, the second, both of its looks, the second of them, and the third turn."""


def asked(place: Place, models: str) -> subprocess.Popen[bytes]:
    """The question in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if name not in foreign_settings()}
    environ |= {"PYTHONPATH": str(ROOT), **endpoints(models, "planner", "inspector")}
    line = [sys.executable, "-m", "videoseal.cli.main", *place.options, "ask", "signs",
            "Who waits at the gate?", "--thread", "night", "--json"]  # fmt: skip
    return subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def counted(models: str) -> dict[str, int]:
    """What came to the models so far."""
    return dict(httpx.get(f"{models}/count").json())


def kill_at(process: subprocess.Popen[bytes], models: str, name: str, count: int) -> None:
    """Kill the process as soon as the models have counted so many."""
    until = time.monotonic() + 60
    while counted(models).get(name, 0) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, counted(models)
        time.sleep(0.02)
    # What was replied to a moment ago is written down in the next one.
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
def test_a_killed_question_goes_on(indexed: Place, tmp_path: Path) -> None:
    """Killed in every one of its calls, it still has each answered exactly once."""
    with model_server(tmp_path, 1.0) as models:
        for name, count in MOMENTS:
            kill_at(asked(indexed, models), models, name, count + counted(models).get(name, 0))
        last = asked(indexed, models)
        stdout, stderr = last.communicate(timeout=60)
        assert last.returncode == 0, stderr
        found = counted(models)
    done = {name: n for name, n in found.items() if name.startswith("done")}
    assert done == {f"done planner-{n}": 1 for n in range(3)} | {"done inspector-0": 2}
    episode = Episode.model_validate_json(stdout)
    assert (episode.answer.outcome, episode.answer.cause) == ("abstained", "gave_up")
    assert [(step.number, step.tool) for step in episode.steps] == [
        (1, "overview"), (2, "visual_inspect"), (2, "visual_inspect"), (3, "give_up"),
    ]  # fmt: skip
    assert len(episode.evidence) == 2
    assert {role: usage.calls for role, usage in episode.usage.items()} == {
        "planner": 3, "inspector": 2, "total": 5,
    }  # fmt: skip
