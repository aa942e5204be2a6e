"""The built wheel holds what it should, and works from anywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

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


def test_wheel_imports_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """Modules come from the wheel when only it is on the path."""
    code = "import videoseal.cli.main, videoseal.core.span as span; print(span.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(wheel), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert str(wheel) in done.stdout
