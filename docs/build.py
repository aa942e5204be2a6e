"""Write into README.md and docs/ what the program knows of itself.

`python docs/build.py` renews what stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`;
each NAME is a function of BLOCKS. `--demo FOLDER` first runs the demo there (five minutes, then
ten seconds) and keeps what it printed as `demo.txt` and one of its contact sheets as `proof.jpg`.
"""

from __future__ import annotations

import ast
import inspect
import io
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import click
import yaml
from click.testing import CliRunner
from PIL import Image
from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from videoseal.cli.main import app
from videoseal.core.settings import REFERENCE_NAMES, ROLES, Endpoint, Settings
from videoseal.evals.benchmarks.registry import BENCHMARKS
from videoseal.graph.app import agent
from videoseal.graph.context import Context
from videoseal.rl.config import TrainConfig, recipes

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
PAGES: Final = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
PICTURE_BYTES: Final = 120_000
_BLOCK: Final = re.compile(r"(<!-- (\w+):begin -->\n).*?(<!-- \2:end -->)", re.DOTALL)


def commands() -> str:
    """The help of every command; those of the benchmarks, which differ by name alone, once."""
    parts, alike = [], {}
    for path in command_paths(app):
        shown = (
            CliRunner()
            .invoke(app, [*path, "--help"], prog_name="videoseal", terminal_width=100)
            .stdout.strip()
        )
        title = f"## {' '.join(('videoseal', *path))}"
        same = shown.replace(path[-1], "NAME") if path else shown
        if same in alike:
            parts.append(f"{title}\n\nAs `{alike[same]}`.")
            continue
        alike[same] = title.removeprefix("## ")
        parts.append(f"{title}\n\n```text\n{shown}\n```")
    return "\n\n".join(parts)


def command_paths(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command by the words that call it, groups before what they hold."""
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from command_paths(command, *path, name)
        else:
            yield (*path, name)


def settings() -> str:
    """Every plain setting by the name of its variable."""
    plain = [name for name in Settings.model_fields if name not in (*ROLES, "database_url")]
    names = {name: f"VIDEOSEAL_{name.upper()}" for name in plain}
    return table(Settings, {"database_url": "DATABASE_URL", **names})


def roles() -> str:
    """The endpoints: which roles there are, and by what other names they are found."""
    other = {role: f"`{name}_*`" for name, role in REFERENCE_NAMES.items()}
    texts = meanings(Settings)
    rows = [[f"`VIDEOSEAL_{role.upper()}_*`", other.get(role, ""), texts[role]] for role in ROLES]
    return grid(["variables", "also read", "the role"], rows)


def endpoint() -> str:
    """What an endpoint may be told."""
    names = {"base_url", "model", "api_key"}
    return table(Endpoint, {n: f"_{n.upper()}" for n in Endpoint.model_fields if n not in names})


def context() -> str:
    """What one question may choose."""
    return table(Context, {name: name for name in Context.model_fields})


def training() -> str:
    """A training config: its own fields, and those of its sections."""
    sections = training_sections()
    own = [name for name in TrainConfig.model_fields if name not in sections]
    parts = [table(TrainConfig, {name: name for name in own})]
    for name, section in sections.items():
        rows = table(section, {key: key for key in section.model_fields})
        parts.append(f"### `{name}`\n\n{rows}")
    return "\n\n".join(parts)


def training_sections() -> dict[str, type[BaseModel]]:
    """The parts of a training config by their names."""
    return {
        name: field.annotation
        for name, field in TrainConfig.model_fields.items()
        if inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel)
    }


def recipe_list() -> str:
    """The training configs that come with the program."""
    return "\n".join(f"* `{name}`: {text}" for name, text in recipes().items())


def benchmarks() -> str:
    """The question sets."""
    rows = [
        [f"`videoseal eval {entry.name}`", entry.title, f"`{entry.annotations}`", entry.home]
        for entry in BENCHMARKS.values()
    ]
    return grid(["command", "set", "annotations", "where it is"], rows)


def experiments() -> str:
    """The experiments that ship."""
    found = {
        path.stem: yaml.safe_load(path.read_text("utf-8"))
        for path in sorted((ROOT / "evals" / "experiments").glob("*.yaml"))
    }
    return "\n".join(f"* `{name}`: {value['about']}" for name, value in found.items())


def graph() -> str:
    """The served graph as mermaid text."""
    return f"```mermaid\n{agent.get_graph().draw_mermaid().rstrip()}\n```"


def figures() -> str:
    """Everything that was measured, with the command that repeats it."""
    rows = [[row["what"], row["result"], row["how"]] for row in _measured()["figure"]]
    return grid(["what", "result", "command"], rows)


def systems() -> str:
    """What the stand-ins reach, by whether their maker had seen the words they are asked in."""
    rows = [[row["asked"], row["seen"], row["unseen"]] for row in _measured()["wording"]]
    return grid(["`decoupled`", "seen wordings", "unseen wordings"], rows)


def demo() -> str:
    """The first question of the demo, as it was printed, with long paths cut."""
    questions = (DOCS / "demo.txt").read_text("utf-8").strip().split("\n\n")
    cut = re.sub(r"(/v\w{6})\w+/(\d{8}T\d{6})[\w-]+", r"\1…/\2…", questions[1])
    return f"```text\n{cut}\n```"


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    block.__name__: block
    for block in (
        commands, settings, roles, endpoint, context, training, recipe_list, benchmarks,
        experiments, graph,
        figures, systems, demo,
    )
}  # fmt: skip


def render(text: str) -> str:
    """A page with its blocks renewed; KeyError for a block that nothing writes."""
    return _BLOCK.sub(lambda match: f"{match[1]}{BLOCKS[match[2]]()}\n{match[3]}", text)


def table(model: type[BaseModel], names: dict[str, str]) -> str:
    """Fields of a model with default, limits and meaning."""
    schema = model.model_json_schema()
    texts = meanings(model)
    rows = []
    for field, name in names.items():
        told = schema["properties"][field]
        kind = next((part for part in told.get("anyOf", []) if part.get("type") != "null"), told)
        rows.append([f"`{name}`", _default(model, field), _allowed(kind), texts[field]])
    return grid(["name", "default", "allowed", "meaning"], rows)


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """By field, its description or the text that stands below it in the class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    below = {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }
    return {
        name: info.description or below.get(name, "") for name, info in model.model_fields.items()
    }


def _default(model: type[BaseModel], field: str) -> str:
    info = model.model_fields[field]
    if info.is_required():
        return "must be given"
    if field == "data_dir":
        return "`videoseal` in the user's data folder"
    value = info.get_default(call_default_factory=True)
    if value is None or value == "":
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(kind: dict[str, Any]) -> str:
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    limits = {
        "exclusiveMinimum": "over", "minimum": "from", "maximum": "to", "exclusiveMaximum": "under",
    }  # fmt: skip
    said = [f"{word} {kind[key]:g}" for key, word in limits.items() if key in kind]
    forms = {"boolean": "`true`, `false`", "string": {"path": "a path"}.get(kind.get("format"), "")}
    return " ".join(said) or forms.get(kind.get("type", ""), "")


def grid(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _measured() -> dict[str, Any]:
    return tomllib.loads((ROOT / "bench" / "figures.toml").read_text("utf-8"))


def run_demo(folder: Path) -> None:
    """Keep a run of the demo: what it printed, and the contact sheet of its first question."""
    environ = {name: value for name, value in os.environ.items() if "VIDEOSEAL" not in name}
    line = [sys.executable, "-m", "videoseal.cli.main", "--data-dir", "demo-data", "demo"]
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        line, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**environ, "COLUMNS": "100", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    (DOCS / "demo.txt").write_text(done.stdout, encoding="utf-8")
    sheets = re.findall(r"^picture +(.+)$", done.stdout, re.MULTILINE)
    (DOCS / "proof.jpg").write_bytes(small_jpeg(Image.open(folder / sheets[0])))


def small_jpeg(picture: Image.Image) -> bytes:
    """At most 1000 pixels wide, and as good as PICTURE_BYTES allows."""
    picture.thumbnail((1000, 2000))
    for quality in range(85, 20, -5):
        held = io.BytesIO()
        picture.save(held, "JPEG", quality=quality, optimize=True)
        if held.tell() <= PICTURE_BYTES:
            break
    return held.getvalue()


@click.command(help=__doc__)
@click.option("--demo", "folder", type=click.Path(path_type=Path), metavar="FOLDER")
def main(folder: Path | None) -> None:
    """Write every page anew."""
    if folder:
        run_demo(folder)
    for page in PAGES:
        page.write_text(render(page.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
