"""Runs on a real Ray of two processors: the same records, once each, whoever dies."""

from __future__ import annotations

import asyncio
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

import videoseal.evals.running.run as evaluation
from tests.evals.ray_fakes import MODELS, answer, open_broken, open_fake, paid
from videoseal.core.errors import SettingsError, VideosealError
from videoseal.core.settings import Endpoint, Settings
from videoseal.evals.manifest import RunSpec, SystemSpec
from videoseal.evals.records import RecordFile, SampleRecord
from videoseal.evals.running.ray_run import LOCAL, LOST, on_ray
from videoseal.evals.running.ray_worker import received, secrets_of, sent
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.evals.scoring.systems import RECORDS

ROOT = Path(__file__).resolve().parents[3]
COUNT = 30
KEY = "sk-planner-1234"
PLANNER = Endpoint(base_url="http://127.0.0.1:9/v1", model="p", api_key=SecretStr(KEY))

pytestmark = [
    pytest.mark.slow,
    # Ray leaves files and sockets to the garbage collector, and looks for GPUs the old way.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
]


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Ray of two processors whose workers can import the tests."""
    before = dict(os.environ)
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ["VIDEOSEAL_PLANNER_API_KEY"] = KEY
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        ray.init(
            address=LOCAL, num_cpus=2, include_dashboard=False, log_to_driver=False,
            object_store_memory=100 << 20, logging_level="ERROR",
        )  # fmt: skip
    os.environ.clear()
    os.environ.update(before)
    yield ray
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.shutdown()


def _rows(folder: Path, numbers: range = range(COUNT)) -> None:
    row = {
        "video_uid": "v", "question": "What?", "answer": "b", "choices": ["a", "b", "c", "d"],
        "right_answer": "B", "clue_intervals": [[100, 103]], "domain": "d", "sub_category": "s",
        "duration": 600,
    }  # fmt: skip
    (folder / "rows.json").write_text(json.dumps([{**row, "qid": n} for n in numbers]))
    (folder / "v.mp4").touch()


def _settings(folder: Path) -> Settings:
    return Settings(data_dir=folder, planner=PLANNER)


def _run(folder: Path, monkeypatch: pytest.MonkeyPatch, tell: Any = None, **where: Any) -> None:
    """Carry out a run over the rows with nothing real behind it."""

    async def indexed(*_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(id="v0", duration=600.0)

    async def here(_: Any, item: Any, cell: Any, *__: Any) -> SampleRecord:
        return answer(item, cell)

    monkeypatch.setattr("videoseal.evals.running.ready_videos.index_video", indexed)
    monkeypatch.setattr("videoseal.evals.running.system_settings.run_sample", here)
    monkeypatch.setattr(evaluation, "model_names", lambda _: MODELS)
    resources: Any = SimpleNamespace(settings=_settings(folder), store=None, models=None)
    places = evaluation.Places(folder / "rows.json", folder, folder / "run")
    spec = RunSpec(benchmark="cgbench", cells=[SystemSpec()])
    job = evaluation.run(spec, places, resources, tell or (lambda _: None), concurrency=3, **where)
    asyncio.run(job)


def _records(folder: Path) -> dict[str, SampleRecord]:
    """The records by question; fails when one was recorded twice."""
    found = list(RecordFile(folder / "run" / RECORDS).read())
    assert len({record.item.uid for record in found}) == len(found)
    return {record.item.uid: record for record in found}


def test_workers_die_and_every_sample_is_recorded_once(
    ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores are those of asyncio; a sample that kills every worker is an error, no other is."""
    lost, plain = tmp_path / "lost", tmp_path / "plain"
    for folder in (lost, plain):
        folder.mkdir()
        _rows(folder)
    with on_ray(_settings(lost), LOCAL, opening=open_fake) as on:
        _run(lost, monkeypatch, on=on)
    _run(plain, monkeypatch)
    on_workers, here = _records(lost), _records(plain)
    assert set(on_workers) == set(here) == {str(number) for number in range(COUNT)}
    died = on_workers.pop("11")
    assert died.error is not None
    assert died.error.type == LOST
    assert {uid: outcome_of(record).right for uid, record in on_workers.items()} == {
        uid: outcome_of(record).right for uid, record in here.items() if uid != "11"
    }
    asked = paid(lost)
    assert asked.count("11") == 3
    assert asked.count("7") == 2
    assert len(asked) == COUNT + 2 + 1  # no other question was asked twice
    assert (lost / "secret.txt").read_text() == KEY


def test_run_that_was_broken_off_goes_on(
    ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was recorded before the driver stopped is not asked again."""
    _rows(tmp_path, range(100, 120))

    def stop(step: Any) -> None:
        if step.stage == "ask" and step.done == 3:
            raise KeyboardInterrupt

    with on_ray(_settings(tmp_path), LOCAL, opening=open_fake) as on:
        with pytest.raises(KeyboardInterrupt):
            _run(tmp_path, monkeypatch, stop, on=on)
        recorded = set(_records(tmp_path))
        before = paid(tmp_path)
        _run(tmp_path, monkeypatch, on=on)
    assert 3 <= len(recorded) < 9  # and what was done together with the third
    assert not recorded & set(paid(tmp_path)[len(before) :])
    assert len(_records(tmp_path)) == 20


def test_worker_that_cannot_work_ends_the_run_before_a_question(
    ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing database, other models and a missing key are told with the node, not recorded."""
    broken, other = tmp_path / "broken", tmp_path / "other"
    for folder in (broken, other):
        folder.mkdir()
        _rows(folder)
    with on_ray(_settings(broken), LOCAL, opening=open_broken) as on:
        with pytest.raises(VideosealError, match="no server") as caught:
            _run(broken, monkeypatch, on=on)
        assert caught.value.hint == "start one"
    monkeypatch.setitem(MODELS, "embedder", "another")
    with (
        on_ray(_settings(other), LOCAL, opening=open_fake) as on,
        pytest.raises(VideosealError, match="another embedder: e, not another"),
    ):
        _run(other, monkeypatch, on=on)
    assert _records(broken) == _records(other) == {}


def test_embedded_database_is_refused_to_other_machines(
    ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster needs DATABASE_URL, and is told so by the name of the machine that does."""
    node = {"NodeID": "f" * 56, "NodeManagerHostname": "far", "Alive": True,
            "Resources": {"CPU": 8.0}}  # fmt: skip
    monkeypatch.setattr(ray, "nodes", lambda: [node])
    with (
        pytest.raises(SettingsError, match="far cannot reach") as caught,
        on_ray(_settings(tmp_path), LOCAL),
    ):
        pass
    assert "DATABASE_URL" in caught.value.hint
    shared = Settings(data_dir=tmp_path, database_url=SecretStr("postgresql://u:p@db/x"))
    with on_ray(shared, LOCAL):
        pass


def test_secrets_stay_out_of_what_is_sent(tmp_path: Path) -> None:
    """Keys and passwords are found in the worker's environment, and missed by name."""
    url = SecretStr("postgresql://me:pass-word@db/x")
    small = Endpoint(base_url="http://h/v1", model="s", api_key=SecretStr("sk-small-5678"))
    settings = Settings(data_dir=tmp_path, planner=PLANNER, database_url=url)
    told = sent(settings, {"SMALL": small})
    for secret in (KEY, "sk-small-5678", "pass-word"):
        assert secret not in repr(told)
    found = secrets_of(settings, {"SMALL": small})
    assert received(told, found) == (settings, {"SMALL": small})
    reference = {**found, "AGENT_LLM_API_KEY": found.pop("VIDEOSEAL_PLANNER_API_KEY")}
    assert received(told, reference).settings == settings
    with pytest.raises(SettingsError, match="VIDEOSEAL_PLANNER_API_KEY"):
        received(told, found)


@pytest.mark.parametrize(
    ("address", "says"),
    [("ray://head:10001", "client address"), ("127.0.0.1:9", "no Ray answers at 127.0.0.1:9")],
)
def test_what_is_no_ray_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, says: str
) -> None:
    """An address that cannot be used, and one where nothing listens, end at once with a reason."""
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(VideosealError, match=says), on_ray(_settings(tmp_path), address):
        pass
