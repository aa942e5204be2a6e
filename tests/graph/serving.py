"""Servers as processes of their own: `langgraph dev`, and the models that it asks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port of loopback that nobody holds right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def langgraph_dev(database_url: str, folder: Path, **extra: str) -> Iterator[str]:
    """The address of a running `langgraph dev` with its data in `folder`."""
    port = free_port()
    # The server writes .langgraph_api beside its configuration, so it gets one of its own.
    config = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    config["http"]["app"] = str(ROOT / "graph" / "http.py") + ":app"
    config["dependencies"] = [str(ROOT)]
    (folder / "langgraph.json").write_text(json.dumps(config), encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if "VIDEOSEAL" not in name}
    environ |= {
        "DATABASE_URL": database_url,
        "VIDEOSEAL_DATA_DIR": str(folder / "data"),
        "LANGSMITH_TRACING": "false",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGGRAPH_NO_VERSION_CHECK": "true",
        "LANGGRAPH_STRICT_MSGPACK": "true",
        "PYTHONPATH": str(ROOT),
        **extra,
    }
    command = [
        str(Path(sys.executable).with_name("langgraph")), "dev", "--no-browser", "--no-reload",
        "--host", "127.0.0.1", "--port", str(port), "--n-jobs-per-worker", "20",
    ]  # fmt: skip
    with _process(command, f"http://127.0.0.1:{port}/ok", folder, environ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def model_server(folder: Path, delay: float = 0.0) -> Iterator[str]:
    """The address of the models of `model_server.py`, each reply after `delay` seconds."""
    port = free_port()
    script = str(Path(__file__).with_name("model_server.py"))
    command = [sys.executable, script, str(port), str(delay)]
    with _process(command, f"http://127.0.0.1:{port}/count", folder, dict(os.environ)):
        yield f"http://127.0.0.1:{port}"


def endpoints(url: str, *roles: str) -> dict[str, str]:
    """The settings that give these roles to a server of models."""
    return {
        f"VIDEOSEAL_{role.upper()}_{part}": value
        for role in roles
        for part, value in (("BASE_URL", f"{url}/v1"), ("MODEL", role), ("API_KEY", "k"))
    }


@contextmanager
def _process(
    command: list[str], ready: str, folder: Path, environ: dict[str, str]
) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{Path(command[0]).name}-{len(list(folder.iterdir()))}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            wait_for(ready, process, path)
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server says it is ready; fail with its log when it ends before."""
    for _ in range(1200):
        if process.poll() is not None:
            break
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")
