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
FLOORS = ("core", "indexing", "tools", "graph", "evals", "rl", "cli")


def _packages() -> set[str]:
    folders = [file.parent for floor in FLOORS for file in (ROOT / floor).rglob("__init__.py")]
    return {".".join(folder.relative_to(ROOT).parts) for folder in folders}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that the checkout stays clean."""
    source = tmp_path_factory.mktemp("source")
    for name in (*PROJECT["project"]["license-files"], "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    for floor in FLOORS:
        if (ROOT / floor).is_dir():
            shutil.copytree(
                ROOT / floor, source / floor, ignore=shutil.ignore_patterns("__pycache__")
            )
    target = tmp_path_factory.mktemp("wheel")
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(target)!r})"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", build], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return next(target.glob("*.whl"))


def test_every_package_is_listed() -> None:
    """A new folder that is not listed would be missing from the wheel."""
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == _packages()


def test_wheel_holds_all_modules_and_no_tests(wheel: Path) -> None:
    """Every Python file and migration of the floors is in, and nothing else is."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        str(file.relative_to(ROOT))
        for package in _packages()
        for file in (ROOT / package.replace(".", "/")).iterdir()
        if file.suffix in (".py", ".sql")
    }
    kept = ("indexing/migrations/*.sql", "evals/experiments/*.yaml", "evals/report/templates/*",
            "rl/pages/*", "rl/recipes/*.yaml")  # fmt: skip
    for data in kept:
        expected |= {str(file.relative_to(ROOT)) for file in ROOT.glob(data)}
    assert names == expected


def test_wheel_imports_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """The generic package names resolve to ours when only the wheel is on the path."""
    code = "import cli.main, core.settings; print(core.settings.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(wheel), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert str(wheel) in done.stdout
