"""LVBench: 103 videos of about an hour; also the format that generated videos are asked in.

One object a video: `key`, `video_info`, and `qa` with options inside the question's text.
Generated sets add to a question: `answerable`, `evidence` (what it takes: text, visual or sound),
`gold` (exact spans in seconds, where `time_reference` has whole ones) and `wording` (`seen` or
`unseen` by who made what is measured); where there are no options, `answer` is a value to be told.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError, field_validator

from videoseal.core.errors import first_fault
from videoseal.core.span import Span
from videoseal.evals.benchmarks.annotation_rows import load_items
from videoseal.evals.item import Item
from videoseal.models.types import Question

__all__ = [
    "load",
    "read_references",
    "split_options",
]

Text = Annotated[StrictStr, Field(min_length=1)]
_PAIR: Final = re.compile(
    r"(\d{1,3}(?::\d{1,2}){1,2}(?:\.\d+)?)\s*[-\u2013\u2014~]\s*(\d{1,3}(?::\d{1,2}){1,2}(?:\.\d+)?)"
)
_BETWEEN: Final = re.compile(r"[\s,;\u3001\[\]'\"]*")


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True)

    uid: Text
    question: Text
    answer: StrictStr
    question_type: list[Text] = Field(min_length=1)
    time_reference: StrictStr | list[StrictStr] = ""
    answerable: bool = True
    evidence: Literal["text", "visual", "sound", ""] = ""
    gold: list[list[float]] = Field(default_factory=list)
    wording: str = ""

    @field_validator("uid", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class _Video(BaseModel):
    model_config = ConfigDict(strict=True)

    key: Text
    qa: list[_Asked] = Field(min_length=1)


def load(path: Path) -> list[Item]:
    """Read `video_info.meta.jsonl` or a generated `*.questions.jsonl`, or all of a folder.

    AnnotationError names file, line and field of what is wrong.
    """
    files = sorted(path.glob("*.questions.jsonl")) if path.is_dir() else [path]
    taken: set[str] = set()
    return [item for file in files or [path] for item in load_items(file, _Video, _items, taken)]


def read_references(text: str) -> list[Span]:
    """The spans of a `time_reference`: `MM:SS-MM:SS` or with hours, one or several.

    Raises ValueError for anything else between them.
    """
    spans: list[Span] = []
    position = 0
    for match in _PAIR.finditer(text):
        if not _BETWEEN.fullmatch(text, position, match.start()):
            break
        start, end = (_seconds(group) for group in match.groups())
        # A moment is published as a span without length.
        spans.append(Span(start, max(end, start + 1)))
        position = match.end()
    if text.strip() and (not spans or not _BETWEEN.fullmatch(text, position)):
        raise ValueError(f"time_reference: cannot read {text!r:.60}")
    return spans


def _seconds(clock: str) -> float:
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def _items(video: _Video) -> list[Item]:
    return [_item(video, asked) for asked in video.qa]


def _item(video: _Video, asked: _Asked) -> Item:
    try:
        stem, options = split_options(asked.question)
        spans = [Span(*pair) for pair in asked.gold] or _referenced(asked)
        return Item(
            benchmark="lvbench",
            uid=asked.uid,
            video=video.key,
            question=Question(text=stem, options=options),
            answer=asked.answer,
            categories=asked.question_type,
            group=f"{asked.wording} wording" if asked.wording else "",
            exact=bool(asked.wording) and not options,
            evidence=[(span.start, span.end) for span in spans] if asked.answerable else [],
            answerable=asked.answerable,
            needs=asked.evidence,
        )
    except ValidationError as error:
        raise ValueError(f"qa {asked.uid}: {first_fault(error)}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"qa {asked.uid}: {error}") from None


def _referenced(asked: _Asked) -> list[Span]:
    given = asked.time_reference
    return [span for text in ([given] if isinstance(given, str) else given)
            for span in read_references(text)]  # fmt: skip


_OPTION: Final = re.compile(r"^\s*\(?([A-Z])[).:]\s*(.*)$")


def split_options(text: str) -> tuple[str, list[str]]:
    """Part a stem and its `(A) one` lines into the stem and the option texts.

    Options must be lettered from A without a gap; ValueError otherwise. A text without options
    is a stem alone.
    """
    stem: list[str] = []
    options: list[str] = []
    for line in text.strip().splitlines():
        match = _OPTION.match(line)
        if match and ord(match.group(1)) - ord("A") == len(options):
            options.append(match.group(2).strip())
        elif options and line.strip():
            options[-1] = f"{options[-1]} {line.strip()}".strip()
        else:
            stem.append(line)
    if len(options) == 1:
        raise ValueError("question: a single option (A) is no choice")
    return " ".join(" ".join(stem).split()), options
