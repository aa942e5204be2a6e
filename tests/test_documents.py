"""What the documents promise is what the code does."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from click.testing import CliRunner
from PIL import Image

import videoseal
from videoseal.cli.main import app
from videoseal.core.settings import ROLES, Endpoint, Settings
from videoseal.graph.context import Context

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "bench/training/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
OURS = "bench|cli|core|docs|evals|graph|indexing|models|rl|tests|tools|videoseal"
"""Folders that a path in a page may begin with."""
OPTIONS = "|".join(["videoseal", *app.commands])


def _names() -> set[str]:
    plain = {f"VIDEOSEAL_{name.upper()}" for name in Settings.model_fields}
    plain -= {f"VIDEOSEAL_{name.upper()}" for name in (*ROLES, "database_url")}
    parts = ("BASE_URL", "API_KEY", "MODEL")
    return plain | {f"VIDEOSEAL_{role.upper()}_{part}" for role in ROLES for part in parts}


def test_env_example_lists_every_setting_and_no_other() -> None:
    """`.env.example` names exactly the variables that Settings reads."""
    listed = re.findall(r"^#(VIDEOSEAL_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(_names())


def test_env_example_shows_the_defaults() -> None:
    """A value shown for a plain setting is its default."""
    shown = dict(re.findall(r"^#(VIDEOSEAL_\w+)=(\S+)$", (ROOT / ".env.example").read_text(), re.M))
    endpoints = {name: value for name, value in shown.items() if _is_endpoint(name)}
    plain = {k: v for k, v in shown.items() if k not in endpoints and k != "VIDEOSEAL_DATA_DIR"}
    assert plain
    defaults, read = Settings.from_env({}), Settings.from_env(plain)
    assert read == defaults


def _is_endpoint(name: str) -> bool:
    return any(name.startswith(f"VIDEOSEAL_{role.upper()}_") for role in ROLES)


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """`docs/build.py`, which writes the blocks of the pages."""
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_are_what_the_program_says(build: ModuleType, page: Path) -> None:
    """Help texts, settings, figures and the rest were pasted after they last changed."""
    text = page.read_text("utf-8")
    assert build.render(text) == text, "`python docs/build.py` writes the pages anew"


def test_a_block_out_of_date_is_written_anew(build: ModuleType) -> None:
    """What stands between the markers does not matter, what stands around them stays."""
    old = "before\n<!-- recipe_list:begin -->\nold\n<!-- recipe_list:end -->\nafter"
    new = build.render(old)
    assert new.startswith("before\n<!-- recipe_list:begin -->\n* `laptop`: ")
    assert new.endswith("\n<!-- recipe_list:end -->\nafter")
    assert build.render(new) == new
    with pytest.raises(KeyError):
        build.render("<!-- nothing:begin -->\n<!-- nothing:end -->")


def test_every_setting_says_what_it_means(build: ModuleType) -> None:
    """No row of the pages' tables is without a meaning."""
    models = [Settings, Context, *build.training_sections().values()]
    texts = {
        (model, name): text for model in models for name, text in build.meanings(model).items()
    }
    assert [where for where, text in texts.items() if not text] == []


def test_every_extra_is_explained() -> None:
    """The page about installing has a row for each extra of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs" / "installing.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \|", page, re.M)) == {*project["optional-dependencies"]}


def test_the_readme_is_short_and_shows_a_proof(build: ModuleType) -> None:
    """A newcomer reads it in five minutes, and its picture loads at once."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 180
    assert (ROOT / "docs" / "proof.jpg").stat().st_size <= build.PICTURE_BYTES
    with Image.open(ROOT / "docs" / "proof.jpg") as picture:
        assert picture.format == "JPEG"


def code_of(text: str) -> Iterator[str]:
    """What is set as code: the lines of fenced blocks, and what stands between backticks."""
    for fenced in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
        yield from fenced.splitlines()
    outside = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for code in re.findall(r"`([^`]+)`", outside):
        yield " ".join(code.split())


def link_problems(text: str, folder: Path) -> list[str]:
    """Relative links to a file, or to a heading of a page, that is not there."""
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = link.partition("#")
        if re.match(r"\w+:", link):
            continue
        target = folder / name if name else None
        if target and not target.exists():
            found.append(f"{link} leads nowhere")
        elif anchor:
            page = target.read_text("utf-8") if target else text
            heads = re.findall(r"^#+ (.+)$", page, re.M)
            if anchor not in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in heads}:
                found.append(f"{link} leads to no heading")
    return found


def path_problems(text: str, folder: Path) -> list[str]:
    """Paths of this repository, with * for any name, that are not there."""
    paths = {
        path.rstrip(".,:") for code in code_of(text)
        for path in re.findall(rf"(?:^|(?<=[\s'\"(]))(?:{OURS})/[\w./*-]*", code)
    }  # fmt: skip
    return [f"no {path}" for path in sorted(paths) if not any(ROOT.glob(path))]


def command_problems(text: str, folder: Path) -> list[str]:
    """Command lines that the program would refuse to read."""
    found = []
    for code in code_of(text):
        shown = re.match(r"\$ (?:\S+/)?videoseal (.*)", code)
        if shown:
            found += _refused(shown[1])
        elif re.match(rf"({OPTIONS}) ", code):
            found += _unknown(code)
    return found


def _refused(line: str) -> list[str]:
    """A whole command line, as the shell would hand it over; nothing is carried out."""
    words = shlex.split(re.split(r"[|>]|&&", line)[0], comments=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(click.Command, "invoke", lambda self, context: None)
        patch.setattr(click.Path, "convert", lambda self, value, param, context: value)
        done = CliRunner().invoke(app, words, prog_name="videoseal")
    return [f"{line}: {done.stderr.strip().splitlines()[-1]}"] if done.exit_code else []


def _unknown(words: str) -> list[str]:
    """A command in the middle of a sentence: its name and the names of its options."""
    command: click.Command = app
    for word in words.removeprefix("videoseal ").split():
        if word.startswith("-"):
            known = {name for option in command.params for name in option.opts}
            if word.partition("=")[0] not in known:
                return [f"{words}: {word} is no option"]
        elif isinstance(command, click.Group):
            if word not in command.commands:
                return [f"{words}: {word} is no command"]
            command = command.commands[word]
    return []


def setting_problems(text: str, folder: Path) -> list[str]:
    """Variables that are the name, or the start of the name, of no setting."""
    found = set(re.findall(r"VIDEOSEAL_[A-Z0-9_]+", text))
    told = {f"VIDEOSEAL_{r}_{p}".upper() for r in ROLES for p in Endpoint.model_fields}
    return [n for n in sorted(found) if not any(k.startswith(n) for k in _names() | told)]


def target_problems(text: str, folder: Path) -> list[str]:
    """Targets of make, and options of the benchmarks' scripts, that are not there."""
    rules = re.findall(r"^([\w./$()-]+):", (ROOT / "Makefile").read_text().replace("$(VENV)",
                       ".venv"), re.M)  # fmt: skip
    found = []
    for code in code_of(text):
        for target in re.findall(r"(?:^|\s)make ([\w./-]+)", code):
            if target not in rules:
                found.append(f"make {target} is no target")
        script = re.match(r"(?:python )?(bench/\S+\.py) (.*)", code)
        if script and (ROOT / script[1]).exists():
            source = (ROOT / script[1]).read_text("utf-8")
            given = re.findall(r"--[\w-]+", script[2])
            found += [f"{script[1]} has no {option}" for option in given if option not in source]
    return found


def python_problems(text: str, folder: Path) -> list[str]:
    """Python with names that the front door has not, or calls that it would refuse."""
    doors = {"videoseal": videoseal, "client": videoseal.Client, "answer": videoseal.RecordedAnswer}
    found = []
    for code in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                door = doors.get(node.value.id)
                known = {*dir(door), *getattr(door, "model_fields", ())}
                if door is not None and node.attr not in known:
                    found.append(f"{node.value.id} has no {node.attr}")
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            method = getattr(videoseal.Client, called.removeprefix("client."), None)
            if isinstance(node, ast.Call) and method is not None:
                named = {word.arg: None for word in node.keywords if word.arg}
                try:
                    inspect.signature(method).bind(None, *node.args, **named)
                except TypeError as error:
                    found.append(f"{ast.unparse(node)}: {error}")
    return found


RULES = [
    link_problems, path_problems, command_problems, setting_problems, target_problems,
    python_problems,
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.parametrize("rule", RULES)
def test_what_a_page_names_is_there(rule: Any, page: Path) -> None:
    """Links, paths, command lines, settings and targets of make are real."""
    assert rule(page.read_text("utf-8"), page.parent) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (link_problems, "see [this](docs/nowhere.md)"),
        (link_problems, "![a picture](docs/nowhere.jpg)"),
        (link_problems, "# One\n[two](#two)"),
        (link_problems, "[it](docs/figures.md#what-nobody-measured)"),
        (path_problems, "look at `core/nowhere.py`"),
        (path_problems, "`python docs/nowhere.py`"),
        (path_problems, "```console\n$ make test ARGS='-s tests/nowhere.py'\n```"),
        (path_problems, "`models/nowhere/*.md`"),
        (command_problems, "```console\n$ videoseal asks talk.mp4\n```"),
        (command_problems, "```console\n$ videoseal ask talk.mp4\n```"),
        (command_problems, "```console\n$ .venv/bin/videoseal ask a.mp4 'Why?' --models 3\n```"),
        (command_problems, "```console\n$ videoseal eval lvbench --annotations FILE\n```"),
        (command_problems, "run `videoseal evaluate lvbench`"),
        (command_problems, "run `eval score --again`"),
        (setting_problems, "set `VIDEOSEAL_PLANER_MODEL`"),
        (target_problems, "`make tests`"),
        (target_problems, "`bench/quality.py --sedes 3`"),
        (python_problems, "```python\nimport videoseal\nvideoseal.connect()\n```"),
        (python_problems, "```python\nclient.ask(video.id, question, choices=[])\n```"),
    ],
)
def test_what_is_not_there_is_found(rule: Any, text: str) -> None:
    """Each rule bites."""
    assert len(rule(text, ROOT)) == 1
