"""The built wheel holds what it should, and works from anywhere."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.graph.serving import wait_for

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FLOORS = ("core", "models", "indexing", "tools", "graph", "evals", "rl", "cli")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that the checkout stays clean."""
    source = tmp_path_factory.mktemp("source")
    for name in (*PROJECT["project"]["license-files"], "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    for folder in (*FLOORS, "videoseal"):
        shutil.copytree(
            ROOT / folder, source / folder, symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )  # fmt: skip
    target = tmp_path_factory.mktemp("wheel")
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(target)!r})"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", build], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return next(target.glob("*.whl"))


def test_wheel_holds_all_modules_and_nothing_beside_the_package(wheel: Path) -> None:
    """Every Python file and data file of the floors is in, below `videoseal/`, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {file for floor in FLOORS for file in (ROOT / floor).rglob("*") if file.is_file()}
    shipped = {
        f"videoseal/{file.relative_to(ROOT)}" for file in files if "__pycache__" not in file.parts
    }
    front = {f"videoseal/{file.name}" for file in (ROOT / "videoseal").iterdir() if file.is_file()}
    assert names == shipped | front


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel, and sees what it depends on."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    install = ["-m", "pip", "--python", str(place), "install", "--quiet", "--no-deps",
               "--no-index", "--disable-pip-version-check", str(wheel)]  # fmt: skip
    done = subprocess.run([sys.executable, *install], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (site,) = (place / "lib").glob("python*/site-packages")
    # A plain line adds only that folder: what its own .pth files say, as of an editable install
    # of the checkout, is not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return place / "bin"


def ran(*command: str | Path, **options: Any) -> str:
    """What a command prints that knows nothing of the checkout."""
    done = subprocess.run(
        command, capture_output=True, text=True, env=plain(), timeout=120, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def plain(**more: str) -> dict[str, str]:
    """An environment without the folders and settings of whoever runs the tests."""
    return {"PATH": "/usr/bin:/bin", "HOME": tempfile.gettempdir(), "LC_ALL": "C.UTF-8", **more}


def test_installed_command_says_its_version(installed: Path, tmp_path: Path) -> None:
    """`videoseal --version` is the version of the project."""
    version = PROJECT["project"]["version"]
    assert ran(installed / "videoseal", "--version", cwd=tmp_path) == f"videoseal {version}"


def test_nothing_is_importable_beside_the_package(installed: Path, tmp_path: Path) -> None:
    """The front door comes from the environment, and no floor is a package of its own."""
    code = (
        "import importlib.util, videoseal\n"
        "client = videoseal.open\n"
        f"bare = [name for name in {FLOORS} if importlib.util.find_spec(name)]\n"
        "print(videoseal.__file__, client.__module__, bare)"
    )
    file, module, bare = ran(installed / "python", "-c", code, cwd=tmp_path).split()
    assert Path(file).is_relative_to(installed.parent)
    assert (module, bare) == ("videoseal.api", "[]")


@pytest.mark.slow
def test_installed_graphs_are_served(installed: Path, tmp_path: Path) -> None:
    """`langgraph dev` finds all graphs and the route of frames where no checkout is."""
    pytest.importorskip("langgraph_api", reason="the `serve` extra is not installed")
    code = "import videoseal.graph.http as http; print(http.__file__)"
    config = json.loads((ROOT / "langgraph.json").read_text("utf-8"))
    config["http"]["app"] = ran(installed / "python", "-c", code, cwd=tmp_path) + ":app"
    config["env"] = {}
    (tmp_path / "langgraph.json").write_text(json.dumps(config), "utf-8")
    with serving(installed, tmp_path) as url, httpx.Client(base_url=url, timeout=60) as client:
        found = client.post("/assistants/search", json={}).json()
        assert {each["graph_id"] for each in found} == set(config["graphs"])
        assert client.get("/frames/v0123456789abcdef/1-2-3.jpg").text == "no such frame"


@contextmanager
def serving(programs: Path, folder: Path) -> Iterator[str]:
    """The address of a server with the configuration in a folder; it ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [programs / "python", "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload",
               "--host", "127.0.0.1", "--port", str(port)]  # fmt: skip
    environ = plain(
        VIDEOSEAL_DATA_DIR=str(folder / "data"), LANGSMITH_TRACING="false",
        LANGGRAPH_CLI_NO_ANALYTICS="1", LANGGRAPH_NO_VERSION_CHECK="true",
        LANGGRAPH_STRICT_MSGPACK="true",
    )  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/ok", server, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=60)
