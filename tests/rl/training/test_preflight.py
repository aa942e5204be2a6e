"""What is looked at before a run begins."""

from __future__ import annotations

import json
import threading
from collections import namedtuple
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.rl.begun import config_of, write_questions
from tests.rl.stage import make_tokenizer
from videoseal.core.checks import Check
from videoseal.core.settings import Endpoint, Settings
from videoseal.rl.training.preflight import checkpoint_bytes, preflight
from videoseal.rl.training.run_folder import RunFolder

VIDEO = "v0123456789abcdef"
Usage = namedtuple("Usage", "total used free")


class Index:
    """An index that knows some videos."""

    place = "nowhere"

    def __init__(self, *rows: Any) -> None:
        self.rows = rows

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def videos(self) -> list[Any]:
        return list(self.rows)


class Ground:
    """A run about to begin, where everything is as it should be."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.monkeypatch = monkeypatch
        self.video = root / "film.mp4"
        self.video.write_bytes(b"film")
        self.policy = root / "policy"
        make_tokenizer().save_pretrained(self.policy)
        (self.policy / "model.safetensors").write_bytes(b"0" * 4000)
        (self.policy / "config.json").write_text(json.dumps({"dtype": "float32"}))
        self.index(SimpleNamespace(id=VIDEO, status="ready", path=self.video))
        self.disk(10**12)
        self.packages("0.11.2")

    def index(self, *rows: Any) -> None:
        self.monkeypatch.setattr(
            "videoseal.indexing.store.store.Store.connect", lambda _: Index(*rows)
        )

    def disk(self, free: int) -> None:
        told = Usage(free, 0, free)
        self.monkeypatch.setattr(
            "videoseal.rl.training.preflight.shutil.disk_usage", lambda _: told
        )

    def packages(self, openrlhf: str, *more: str) -> None:
        def version(name: str) -> str:
            if name == "openrlhf" and openrlhf:
                return openrlhf
            if name in more:
                return "1"
            raise PackageNotFoundError(name)

        self.monkeypatch.setattr("videoseal.rl.training.preflight.version", version)

    def look(self, *changes: str, settings: Settings | None = None) -> dict[str, Check]:
        """The findings by name."""
        config = config_of(self.root, f"policy.path={self.policy}", *changes)
        settings = settings or Settings(data_dir=self.root)
        found = list(preflight(config, settings, RunFolder(self.root / "run")))
        return {finding.name: finding for finding in found}


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    return Ground(tmp_path, monkeypatch)


def test_all_is_well(ground):
    """Where nothing is wrong every check says what it found, and nothing is asked for."""
    found = ground.look()
    assert {finding.state for finding in found.values()} == {"ok"}
    assert found["data"].text == "4 questions, 2 steps; 0 held out"
    assert "appends only" in found["policy"].text
    assert "1 videos" in found["index"].text


@pytest.mark.parametrize("version", ["", "0.10.4"])
def test_openrlhf_is_the_one_it_is_written_for(ground, version):
    """A missing OpenRLHF and another release fail, with what to install."""
    ground.packages(version)
    finding = ground.look()["packages"]
    assert finding.state == "fail"
    assert "videoseal-agent[rl]" in finding.hint


def test_vllm_backend_needs_gpus_and_vllm(ground, monkeypatch):
    """The vllm backend fails without vLLM, and without as many GPUs as it is to use."""
    changes = ["hardware.backend=vllm", "hardware.precision=bf16", "hardware.gpus=2"]
    assert "vllm" in ground.look(*changes)["packages"].text
    ground.packages("0.11.2", "vllm", "flash-attn")
    monkeypatch.setattr("videoseal.rl.training.preflight._count_gpus", lambda: 1)
    finding = ground.look(*changes)["gpus"]
    assert (finding.state, "nvidia-smi lists 1" in finding.text) == ("fail", True)
    monkeypatch.setattr("videoseal.rl.training.preflight._count_gpus", lambda: 2)
    found = ground.look(*changes)
    assert (found["gpus"].state, found["packages"].state) == ("ok", "ok")


def test_unreadable_data_is_named(ground):
    """A damaged line is named with its file, and the other checks still run."""
    path = ground.root / "odd.jsonl"
    path.write_text('{"prompt": "q"}\n')
    found = ground.look(f"data.train={path}")
    assert found["data"].state == "fail"
    assert "odd.jsonl:1" in found["data"].text
    assert found["packages"].state == "ok"


def test_too_few_questions(ground):
    """Data that does not fill one batch trains nothing."""
    finding = ground.look("rollout.batch=8")["data"]
    assert finding.state == "fail"
    assert "do not fill one batch of 8" in finding.text


def test_odd_questions_are_a_warning(ground):
    """Questions that fill no whole batch are left out, and counted."""
    path = write_questions(ground.root / "five.jsonl", 5)
    finding = ground.look(f"data.train={path}")["data"]
    assert finding.state == "warn"
    assert "the last 1" in finding.text


def test_questions_beyond_the_limit_are_not_missed(ground):
    """Only what a batch has no place for is warned of, not what the config leaves out itself."""
    path = write_questions(ground.root / "nine.jsonl", 9)
    finding = ground.look(f"data.train={path}", "data.limit=7")["data"]
    assert (finding.state, "the last 1 do not fill a batch" in finding.text) == ("warn", True)
    assert ground.look(f"data.train={path}", "data.limit=6")["data"].state == "ok"


def test_validation_shares_no_video(ground):
    """A video that is both trained on and held out fails."""
    path = write_questions(ground.root / "held.jsonl", 2)
    assert "both trained on and held out" in ground.look(f"data.validation={path}")["data"].text


@pytest.mark.parametrize("name", ["a,b.jsonl", "a@b.jsonl"])
def test_paths_that_openrlhf_would_split(ground, name):
    """A comma or an @ in a path is one to OpenRLHF; it is refused here."""
    path = write_questions(ground.root / name, 4)
    assert ground.look(f'data.train="{path}"')["data"].state == "fail"


def test_full_disk(ground):
    """Room for all checkpoints that stay, one more and the model is needed beforehand."""
    need = 3 * checkpoint_bytes(1000, "fp32") + 4000 + 100_000 * 4 * 2
    ground.disk(need)
    assert ground.look()["disk"].state == "ok"
    ground.disk(need - 1)
    finding = ground.look()["disk"]
    assert finding.state == "fail"
    assert "output.keep" in finding.hint


def test_checkpoint_sizes():
    """A parameter takes 14 bytes in half precision, 12 in full: weights and Adam's state."""
    assert checkpoint_bytes(10, "bf16") == 140
    assert checkpoint_bytes(10, "fp32") == 120


def test_unknown_template_is_refused(ground):
    """A chat template that is not known to append fails."""
    make_tokenizer(template="{{ messages }}").save_pretrained(ground.policy)
    assert ground.look()["policy"].state == "fail"


def test_policy_must_be_there(ground, tmp_path):
    """A policy without a tokenizer is named."""
    (tmp_path / "empty").mkdir()
    finding = ground.look(f"policy.path={tmp_path / 'empty'}")["policy"]
    assert finding.state == "fail"
    assert "no tokenizer at" in finding.text


def test_videos_must_be_indexed(ground):
    """Videos that the index lacks, has not finished, or no longer finds on disk fail."""
    ground.index()
    assert f"such as {VIDEO}" in ground.look()["index"].text
    ground.index(SimpleNamespace(id=VIDEO, status="indexing", path=ground.video))
    assert ground.look()["index"].state == "fail"
    ground.index(SimpleNamespace(id=VIDEO, status="ready", path=ground.root / "gone.mp4"))
    assert "no longer where they were" in ground.look()["index"].text


def test_dead_endpoint_fails(ground):
    """A frozen role whose endpoint does not answer fails; the others are still looked at."""
    eye = Endpoint(base_url="http://127.0.0.1:9/v1", model="eye")
    found = ground.look(settings=Settings(data_dir=ground.root, inspector=eye, max_retries=0))
    assert found["inspector"].state == "fail"
    assert found["answerer"].state == "ok"


def test_judge_is_checked_where_it_pays(ground):
    """The judge's endpoint matters only to a reward that has a term for it."""
    assert "judge" not in ground.look()
    missing = ground.look("reward.judge_weight=0.2")["judge"]
    assert missing.state == "fail"
    assert "VIDEOSEAL_JUDGE_MODEL" in missing.hint
    dead = Endpoint(base_url="http://127.0.0.1:9/v1", model="judge")
    settings = Settings(data_dir=ground.root, judge=dead, max_retries=0)
    found = ground.look("reward.judge_weight=0.2", settings=settings)["judge"]
    assert found.state == "fail"
    assert "127.0.0.1:9" in found.text


@pytest.fixture
def cluster() -> Iterator[str]:
    """A job server that tells its version."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"ray_version": "2.55.0"}).encode())

        def log_message(self, *_: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_cluster_must_answer(ground, cluster):
    """A job server that answers tells its version; one that does not fails with a hint."""
    changes = ["hardware.backend=vllm", "hardware.precision=bf16"]
    found = ground.look(*changes, f"hardware.ray_address={cluster}")
    assert found["ray"].state == "ok"
    assert "2.55.0" in found["ray"].text
    assert found["gpus"].text == "left to the cluster"
    dead = ground.look(*changes, "hardware.ray_address=http://127.0.0.1:9")["ray"]
    assert (dead.state, bool(dead.hint)) == ("fail", True)
