"""A report page as a test reads it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from videoseal.evals.report.listing import unpack

__all__ = ["Parsed", "parse"]

VOID = {"meta", "img", "br", "input", "link", "hr"}


class Parsed(HTMLParser):
    """Elements with their attributes, tables by id, scripts, and whether all tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.open: list[str] = []
        self.text = ""
        self._table: list[list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table" and found.get("id"):
            self._table = self.tables.setdefault(str(found["id"]), [])
        if tag == "tr" and self._table is not None:
            self._table.append([])
        if tag in ("td", "th") and self._table:
            self._table[-1].append("")
        if tag == "small" and self._table and self._table[-1]:
            self._table[-1][-1] += "|"
        if tag == "script":
            self.scripts.append((found, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "table":
            self._table = None

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
            return
        self.text += data
        if self._table and self._table[-1] and {"td", "th"} & set(self.open):
            self._table[-1][-1] += data.strip()

    def data(self, name: str) -> Any:
        """The JSON of an embedded block."""
        return next(json.loads(text) for found, text in self.scripts if found.get("id") == name)

    def rows(self) -> list[dict[str, Any]]:
        """The listed samples by column."""
        samples = self.data("data-samples")
        return [dict(zip(samples["columns"], row, strict=True)) for row in samples["rows"]]

    def documents(self) -> list[dict[str, Any]]:
        """Every packed evidence document."""
        return [document for block in self.data("data-blocks") for document in unpack(block)]

    def table(self, name: str) -> dict[str, dict[str, str]]:
        """A table as label -> heading -> text; small type stands after a bar."""
        head, *rows = self.tables[f"table-{name}"]
        return {
            row[0].split("|")[0]: dict(zip(head[1:], row[1:], strict=True))
            for row in rows
            if len(row) > 1
        }


def parse(path: Path) -> Parsed:
    """Read a page; AssertionError where a tag is not closed."""
    parsed = Parsed()
    parsed.feed(path.read_text(encoding="utf-8"))
    parsed.close()
    assert parsed.open == []
    return parsed
