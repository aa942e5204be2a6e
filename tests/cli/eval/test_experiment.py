"""`videoseal eval experiment`: the same questions for every system, each asked once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.evals.made import proven, record
from videoseal.cli.main import app
from videoseal.core.settings import Settings
from videoseal.evals.item import Item
from videoseal.evals.manifest import SystemSpec
from videoseal.evals.records import RecordFile, SampleError, SampleRecord
from videoseal.evals.running.sample import failed
from videoseal.graph.resources import Resources
from videoseal.models.build import build_models

MINE = """\
title: Smaller frames
about: What the inspector makes out.
modes: [decoupled, coupled]
variants:
  - {name: small, settings: {frame_side: 320}}
  - {name: large, settings: {frame_side: 640}}
baseline: {mode: decoupled, variant: large}
figure: {x: settings.frame_side, y: [accuracy, grounded accuracy]}
"""


class Broken(Exception):
    """Stands for a run that is killed."""


class World:
    """An agent that answers at once, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str, int]] = []
        """Question, system and the side of its frames."""
        self.breaks_after = 10**9
        row = {
            "video_uid": "v", "question": "What?", "answer": "b", "choices": ["a", "b", "c", "d"],
            "right_answer": "B", "clue_intervals": [[100, 103]], "domain": "d",
            "sub_category": "s", "duration": 600,
        }  # fmt: skip
        rows = [{**row, "qid": number} for number in range(9)]
        (folder / "rows.json").write_text(json.dumps(rows))
        (folder / "v.mp4").touch()

    @contextmanager
    def opened(self, settings: Settings) -> Iterator[Resources]:
        """In place of `open_resources`."""
        none: Any = None
        plain = settings.model_copy(update={"ocr": False})
        yield Resources(plain, none, build_models(plain), none)

    async def indexed(self, *_: Any, **__: Any) -> SimpleNamespace:
        """In place of `index_video`."""
        return SimpleNamespace(id="v0", duration=600.0)

    async def answered(
        self, resources: Resources, item: Item, cell: SystemSpec, *_: Any
    ) -> SampleRecord:
        """In place of `run_sample`: decoupled is right, coupled on every second question."""
        if len(self.asked) >= self.breaks_after:
            raise Broken
        self.asked.append((item.uid, cell.name, resources.settings.frame_side))
        right = cell.mode == "decoupled" or int(item.uid) % 2
        made = record(item, proven("B" if right else "A"), mode=cell.mode)
        return made.model_copy(update={"variant": cell.variant})

    def run(self, *arguments: str) -> Result:
        """The command on the questions of this world."""
        place = ["--benchmark", "cgbench", "--annotations", str(self.folder / "rows.json"),
                 "--videos", str(self.folder)]  # fmt: skip
        command = ["--data-dir", str(self.folder), "eval", "experiment", *arguments, *place]
        return CliRunner().invoke(app, command, prog_name="videoseal")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """An agent without video, index or models; its experiment is `mine.yaml`."""
    made = World(tmp_path)
    (tmp_path / "mine.yaml").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("videoseal.graph.resources.open_resources", made.opened)
    monkeypatch.setattr("videoseal.evals.running.ready_videos.index_video", made.indexed)
    monkeypatch.setattr("videoseal.evals.running.system_settings.run_sample", made.answered)
    return made


@pytest.mark.slow
def test_experiment_in_which_everything_failed_is_no_success(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its figure is drawn all the same, of nothing."""

    async def broken(_: Resources, item: Item, cell: SystemSpec, *__: Any) -> SampleRecord:
        return failed(item, cell, SampleError(type="X", message="the endpoint is gone"))

    monkeypatch.setattr("videoseal.evals.running.system_settings.run_sample", broken)
    done = world.run("mine.yaml")
    assert done.exit_code == 1
    assert "error: every question ended in an error" in done.stderr
    assert "figure.svg" in done.stdout


def test_without_a_file_the_experiments_are_listed() -> None:
    """A line each, with what it is about."""
    shown = CliRunner().invoke(app, ["eval", "experiment"]).stdout.splitlines()
    assert [line.split()[0] for line in shown] == [
        "authority", "budget", "channel", "inspector", "pressure", "rewards",
    ]  # fmt: skip
    assert all(len(line.split()) > 5 for line in shown)
    found = json.loads(CliRunner().invoke(app, ["eval", "experiment", "--json"]).stdout)
    assert found[1]["figure"]["x"] == "context.max_steps"


def test_every_system_is_asked_the_same_questions_its_own_way(world: World) -> None:
    """The draw is shared, each has its own settings, and figure and report are written."""
    done = world.run("mine.yaml", "--sample", "5", "--seed", "3", "--name", "frames")
    assert done.exit_code == 0, done.stderr
    questions: dict[str, set[str]] = {}
    for uid, cell, side in world.asked:
        questions.setdefault(cell, set()).add(uid)
        assert side == (320 if cell.endswith("small") else 640)
    assert len(questions) == 4
    assert len({frozenset(uids) for uids in questions.values()}) == 1
    assert len(world.asked) == 20
    folder = world.folder / "runs" / "frames"
    for name in ("figure.svg", "figure.pdf", "figure.md", "report.html", "report.md"):
        assert (folder / name).stat().st_size > 500
        assert name in done.stdout
    assert (folder / "figures" / "experiment-1.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "figure.svg").read_text().count('class="mark"') == 8
    assert "100.0" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 7, 30])
def test_broken_off_experiment_goes_on_where_it_was(world: World, after: int) -> None:
    """No sample of any system is asked or recorded twice."""
    world.breaks_after = after
    assert isinstance(world.run("budget", "--concurrency", "1").exception, SystemExit)
    assert len(world.asked) == after
    world.breaks_after = 10**9
    done = world.run("budget", "--concurrency", "1")
    assert done.exit_code == 0, done.stderr
    path = world.folder / "runs" / "budget-cgbench" / "samples.jsonl"
    recorded = Counter(entry.key for entry in RecordFile(path).read())
    assert len(recorded) == 90
    assert set(recorded.values()) == {1}
    assert set(Counter((uid, cell) for uid, cell, _ in world.asked).values()) == {1}
    before = path.read_bytes()
    assert world.run("budget").exit_code == 0
    assert path.read_bytes() == before


def test_changed_system_is_no_part_of_the_same_run(world: World) -> None:
    """What would mix two systems under one name is refused, and nothing is asked."""
    assert world.run("mine.yaml", "--limit", "1").exit_code == 0
    (world.folder / "mine.yaml").write_text(MINE.replace("side: 320", "side: 300"))
    asked = len(world.asked)
    again = world.run("mine.yaml", "--limit", "2")
    assert again.exit_code == 2
    assert "another decoupled small" in again.stderr
    assert len(world.asked) == asked
    kept = world.folder / "runs" / "mine-cgbench" / "experiment.yaml"
    assert kept.read_text() == MINE


def test_manifest_says_what_every_system_was(world: World) -> None:
    """Settings, endpoints by prefix and models of each, and never a key."""
    text = MINE.replace("{frame_side: 320}", "{frame_side: 320}, endpoints: {planner: OTHER}")
    (world.folder / "mine.yaml").write_text(text)
    keys = "OTHER_BASE_URL=http://127.0.0.1:9/v1\nOTHER_MODEL=m-8b\nOTHER_API_KEY=sk-secret\n"
    (world.folder / ".env").write_text(keys)
    done = world.run("mine.yaml", "--limit", "1")
    assert done.exit_code == 0, done.stderr
    folder = world.folder / "runs" / "mine-cgbench"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["spec"]["cells"][0]["endpoints"] == {"planner": "OTHER"}
    assert manifest["spec"]["cells"][0]["settings"] == {"frame_side": 320}
    assert manifest["cell_models"]["decoupled small"]["planner"] == "m-8b"
    assert manifest["models"]["planner"] != "m-8b"
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(b"sk-secret" in text for text in texts)


def test_missing_endpoint_is_named_before_anything_is_asked(world: World) -> None:
    """The variables to set are in the message."""
    done = world.run("rewards")
    assert done.exit_code == 2
    assert "REWARD_NONE_BASE_URL and REWARD_NONE_MODEL" in done.stderr
    assert not (world.folder / "runs").exists()
