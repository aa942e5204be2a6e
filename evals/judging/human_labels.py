"""Sheets on which people label what judges judged, and how they are read back.

A sheet shows what the judges saw and nothing else: its rows are named by the hash of that, in an
order drawn at random, so that nobody can tell the systems apart. It is CSV with a byte-order mark
and opens in any spreadsheet; commas, semicolons and tabs are read back.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.errors import VideosealError
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.judging.agreement import Unit
from videoseal.evals.judging.judge_run import Judgeable
from videoseal.models.prompts import evidence_text

__all__ = ["COLUMNS", "Labels", "SheetExists", "read_labels", "write_sheet"]

COLUMNS: Final = ("id", "question", "answer", "evidence", "grounded", "comment")
_YES: Final = frozenset({"yes", "y", "1", "true", "grounded", "是"})
_NO: Final = frozenset({"no", "n", "0", "false", "ungrounded", "not grounded", "否"})
_FORMULA: Final = ("=", "+", "-", "@", "\t")
"""How a text begins that a spreadsheet would calculate."""


class SheetExists(VideosealError):
    """A sheet would be written over another."""

    exit_code = 2


class Labels(NamedTuple):
    """A sheet that somebody filled in."""

    labeller: str
    """Name of the file without its ending."""
    rulings: dict[Unit, bool]
    unlabelled: int
    """Rows without a label; they count nowhere."""


def write_sheet(path: Path, samples: Iterable[Judgeable], *, sample: int, seed: int) -> int:
    """Write `sample` distinct requests drawn at random, and return how many there are.

    Samples without evidence are left out: there is nothing to judge. Raises SheetExists rather than
    write over what somebody may have filled in.
    """
    if path.exists():
        raise SheetExists(
            f"{path} is there already, and may hold labels", hint="choose another --out"
        )
    distinct = {s.request.sha256: s.request for s in samples if s.request.evidence}
    # Sorted by hash before the draw, so that the order of the records does not show.
    ids = sorted(distinct)
    drawn = random.Random(seed).sample(ids, min(sample, len(ids)))  # noqa: S311
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(COLUMNS)
    for name in drawn:
        request = distinct[name]
        letter = f"({request.choice}) " if request.choice else ""
        cells = [request.question.render(), letter + request.answer, evidence_text(request)]
        sheet.writerow([name, *map(_inert, cells), "", ""])
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    return len(drawn)


def read_labels(path: Path, known: Mapping[str, Unit]) -> Labels:
    """Read a filled sheet; `known` are the units of the run by request hash.

    Raises AnnotationError naming file, line and field for a row that is none.
    """
    rulings: dict[Unit, bool] = {}
    unlabelled = 0
    for line, row in _rows(path):
        said = " ".join(row["grounded"].split()).casefold()
        unit = known.get(row["id"].strip())
        if unit is None:
            raise AnnotationError(f"{path.name}:{line}: id: {row['id']!r:.20} is not of this run")
        if not said:
            unlabelled += 1
            continue
        if said not in _YES | _NO:
            raise AnnotationError(
                f"{path.name}:{line}: grounded: {row['grounded']!r:.20} is neither yes nor no"
            )
        if rulings.setdefault(unit, said in _YES) != (said in _YES):
            raise AnnotationError(f"{path.name}:{line}: id: labelled yes here and no elsewhere")
    return Labels(path.stem, rulings, unlabelled)


def _rows(path: Path) -> Iterable[tuple[int, dict[str, str]]]:
    """Every row with the line that it begins in."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise AnnotationError(f"no labels at {path}", hint="videoseal eval labels") from None
    except UnicodeDecodeError as error:
        raise AnnotationError(
            f"{path.name}: not UTF-8 text (byte {error.start})", hint="save it as CSV UTF-8"
        ) from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        head = [name.strip().casefold() for name in next(reader, [])]
        for name in ("id", "grounded"):
            if name not in head:
                raise AnnotationError(f"{path.name}:1: {name}: no such column")
        while True:
            line = reader.line_num + 1
            row = next(reader, None)
            if row is None:
                return
            if any(cell.strip() for cell in row):
                cells = [*row, *[""] * (len(head) - len(row))]
                yield line, dict(zip(head, cells, strict=False))
    except csv.Error as error:
        raise AnnotationError(f"{path.name}:{line}: row: {error}") from None


def _inert(text: str) -> str:
    """So that a spreadsheet shows the text and does not calculate it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
