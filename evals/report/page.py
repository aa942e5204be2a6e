"""The HTML page, filled from its template; everything it needs is inside it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from videoseal.evals.report.house_style import Figure
from videoseal.evals.report.tables import Table
from videoseal.graph.proof.answer_page import TOKENS, page_environment

__all__ = ["Page", "data_block", "render_page"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
_UNSAFE: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


class Page(NamedTuple):
    """Everything on a page, of an evaluation or of a training."""

    title: str
    facts: list[str]
    """What this is a report of, in a few words each."""
    sentences: list[str]
    """What was found, in words."""
    figures: list[Figure]
    tables: list[tuple[str, Table]]
    manifests: list[tuple[str, Mapping[str, str]]]
    """How every run was made, by its name."""
    headline: Table | None = None
    link: tuple[str, str] | None = None
    """Words, and the page that they lead to."""
    notes: Sequence[str] = ()
    """What the reader should know about the list of samples."""
    samples: Mapping[str, Any] | None = None
    """For the script: systems, statuses, columns, rows and block size."""
    blocks: Sequence[str] = ()
    """Packed evidence."""


def render_page(page: Page) -> str:
    """The whole document, what is no markup of ours escaped."""
    script = _read("evidence.js") + _read("page.js")
    return (
        page_environment(_TEMPLATES)
        .get_template("page.html")
        .render(
            page=page,
            style=TOKENS.read_text(encoding="utf-8") + _read("evidence.css") + _read("page.css"),
            script=script,
            script_hash=_hash(script),
            evidence_view=_read("evidence.html"),
            samples=data_block(page.samples),
            blocks=data_block(page.blocks),
        )
    )


def data_block(value: object) -> str:
    """JSON that can stand inside a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"))
    for character, escaped in _UNSAFE.items():
        text = text.replace(character, escaped)
    return text


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """What the page's content security policy knows its one script by."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
