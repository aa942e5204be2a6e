"""How each benchmark names what a question consists of, and one reader for all of them.

What is odd about a published row is its `defect`: it is asked and counted all the same. Only what
cannot be asked at all, such as a row without an id, is an error, which names file, line and field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from pydantic import ValidationError

from videoseal.core.errors import first_fault
from videoseal.core.span import Span
from videoseal.core.text import clean_text
from videoseal.evals.benchmarks.annotation_rows import (
    AnnotationError,
    annotation_files,
    read_rows,
)
from videoseal.evals.benchmarks.question_text import gold_letter, read_question, without_prompt
from videoseal.evals.benchmarks.selection import VIDEO_SUFFIXES
from videoseal.evals.benchmarks.time_reference import read_references
from videoseal.evals.item import Item
from videoseal.models.types import Question, own_letters

__all__ = ["Layout", "load"]

_NO_QUESTION: Final = "(the published row has no question)"
_LONGEST, _MOST_OPTIONS = 8000, 26
"""Characters and options of a question that can be asked."""
_POSITION_FPS: Final = 25.0
"""Rate that turns LongVideoBench's `position` (frame indices) into seconds where a row has none."""

_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}


class Layout(NamedTuple):
    """Names of fields; of several the first that a row has counts."""

    video: tuple[str, ...]
    answer: str
    categories: tuple[str, ...] = ()
    uid: str = ""
    """Empty where questions have no id: the file's name and the position are one."""
    options: str = ""
    """A list, or the beginning of the names of columns; empty where they are in the text."""
    gold: Literal["letter", "text", "index"] = "letter"
    """What an answer is; where options are in the text it may be prose as well."""
    said: str = ""
    """The text of the right option, where a row has both."""
    group: str = ""
    """`wording` is that of a generated question, whose open answers are values to be told."""
    spans: tuple[str, ...] = ()
    inner: str = ""
    """Where the questions of a row are; `*` for each field of it, named by its video."""
    needs: str = ""
    """What tells whether text, picture or sound is needed."""
    prose: frozenset[str] | None = frozenset()
    """Categories that are answered in free text; None for all."""


def load(name: str, layout: Layout, path: Path) -> list[Item]:
    """All questions of a benchmark's annotation file, or of a folder of them, in their order.

    An id may stand there once: records are told apart by it. Raises AnnotationError.
    """
    items: dict[str, Item] = {}
    for file in annotation_files(path):
        before = len(items)
        for row in read_rows(file):
            try:
                for fields in _questions(layout, row.value, file):
                    published = _Published(layout, fields)
                    item = published.item(name, f"{_stem(file)}-{len(items) - before}")
                    if item.uid in items:
                        raise ValueError(f"uid: {item.uid!r:.60} is there twice")
                    items[item.uid] = item
            except ValueError as error:
                within = f"{row.place}: {layout.inner.strip('*')}".removesuffix(": ")
                raise AnnotationError(f"{within}: {error}") from None
        if len(items) == before:
            raise AnnotationError(f"{file.name}: holds no questions")
    if not items:
        raise AnnotationError(f"no annotation files in {path}")
    return list(items.values())


def _questions(layout: Layout, row: Any, file: Path) -> Iterator[dict[str, Any]]:
    """The questions of a row, each with the fields that the row has for all of them."""
    if not isinstance(row, dict):
        raise ValueError("row: no object")
    if layout.inner == "*" and "question" not in row:
        for video, inner in row.items():
            for number, one in enumerate(_objects(inner)):
                yield {"video": video, "uid": f"{video}-{number}", **one}
    elif layout.inner == "*":
        yield {"video": _stem(file), **row}
    else:
        for one in _objects(row.get(layout.inner, row)):
            yield {**row, **one}


def _stem(file: Path) -> str:
    return file.stem.removesuffix("_qa")


def _objects(inner: Any) -> list[dict[str, Any]]:
    found = inner if isinstance(inner, list) else [inner]
    if not all(isinstance(one, dict) for one in found):
        raise ValueError("no object")
    return found


class _Published:
    """One question as it was published, and what is odd about it."""

    def __init__(self, layout: Layout, fields: dict[str, Any]) -> None:
        self.layout, self.fields = layout, fields
        self.faults: list[str] = []

    def item(self, benchmark: str, default_uid: str) -> Item:
        """The question in the common form; ValueError for one that cannot be asked."""
        layout = self.layout
        own = layout.uid in self.fields or layout.inner != "*"
        uid = self.text(layout.uid) if layout.uid and own else default_uid
        try:
            answerable = self.answerable()
            needs = self.fields.get(layout.needs)
            categories = [text for name in layout.categories for text in self.texts(name)]
            prose = layout.prose is None or bool(layout.prose & {*categories})
            said = self.text(layout.answer, "")
            question = self.question(said, prose=prose)
            if said and not answerable:
                self.faults.append(f"{layout.answer}: of a question that is said to have none")
                said = ""
            group = self.text(layout.group, "") if layout.group else ""
            exact = layout.group == "wording" and bool(group) and not question.options
            unread = not (prose or exact or question.options) and bool(
                layout.options or gold_letter(said, ["-"] * 26)
            )
            if question.options and (said or answerable):
                said = self.letter(said, question)
            elif unread:
                self.faults.append("its options cannot be read")
            elif answerable and not said.strip():
                self.faults.append("the answer is empty")
            return Item(
                benchmark=benchmark, uid=uid, video=self.video(), question=question, answer=said,
                categories=list(dict.fromkeys(categories)) or ["all"],
                group=f"{group} {layout.group}" if layout.group == "wording" and group else group,
                evidence=self.evidence() if answerable else [],
                needs=needs if needs in ("text", "visual", "sound") else "",
                answerable=answerable, scoring_points=self.texts("scoring_points"),
                exact=exact, unread_options=unread, defect="; ".join(dict.fromkeys(self.faults)),
            )  # fmt: skip
        except ValidationError as error:
            raise ValueError(f"{uid}: {first_fault(error)}") from None
        except ValueError as error:
            raise ValueError(f"{uid}: {error}") from None

    def answerable(self) -> bool:
        """Whether the video answers it; where a row does not say, it does."""
        given = self.fields.get("answerable", True)
        word = str(given).casefold() if isinstance(given, str | int) else ""
        if word not in _TRUTH:
            self.faults.append("answerable: neither true nor false")
        return _TRUTH.get(word, True)

    def question(self, said: str, *, prose: bool) -> Question:
        """The question with its options, wherever they are."""
        asked = self.text("question", "").strip()
        inside = read_question("" if prose else asked, said)
        if prose or self.layout.options:
            options = [] if prose else self.options()
            options = options if len(options) > 1 else []
            question = self.fitting(without_prompt(asked), options)
            letters = [letter for letter in own_letters(options) if letter]
            if question.options == options and len(letters) > len(options) / 2:
                self.faults.append(f"its options are lettered {', '.join(letters)}")
            if _same(inside.options, question.options) and inside.stem:
                question = question.model_copy(update={"text": inside.stem})
        else:
            question = self.fitting(inside.stem, inside.options)
            self.faults += [inside.fault] if inside.fault else []
        if question.text == _NO_QUESTION:
            self.faults.append("the question is empty")
        if len(set(question.options)) < len(question.options):
            self.faults.append("candidates are equal")
        if not all(option.strip() for option in question.options):
            self.faults.append("a candidate is empty")
        return question

    def fitting(self, text: str, options: list[str]) -> Question:
        """A question of the length that can be asked; what is beyond it is left out, and named."""
        for name, given, most in (("text", text, _LONGEST), ("options", options, _MOST_OPTIONS)):
            if len(given) > most:
                self.faults.append(f"only the first {most:,} of its {name} are asked")
        return Question(text=text[:_LONGEST] or _NO_QUESTION, options=options[:_MOST_OPTIONS])

    def letter(self, said: str, question: Question) -> str:
        """The gold letter; empty for a row whose answer is none of its options."""
        options, layout = question.options, self.layout
        if layout.gold == "index":
            if said in ("", "-1"):
                self.faults.append("the test split has no gold answers")
                return ""
            known = {str(at): letter for at, letter in enumerate(question.letters)}
            found = known.get(said, "")
            if not found:
                self.faults.append(f"{layout.answer}: {said!r:.20} is none of its options")
            return found
        exact = [a for a, text in zip(question.letters, options, strict=True) if text == said]
        if layout.gold == "text":
            found = max(exact, default="") or gold_letter(said, options)
            self.faults += [] if found else ["the answer is no candidate"]
            return found
        found = gold_letter(said, options)
        if not found:
            self.faults.append(f"{layout.answer}: {said!r:.40} is none of {question.letters}")
        elif layout.said and not _same([self.text(layout.said, "")], [question.option(found)]):
            self.faults.append(f"{layout.said}: not the text of option {found}")
        return found

    def evidence(self) -> list[tuple[float, float]]:
        """Gold spans, of the first field that has some."""
        try:
            meta = self.fields.get("meta_json") or {}
            fields = {**self.fields, **(json.loads(meta) if isinstance(meta, str) else meta)}
        except (RecursionError, TypeError, ValueError):
            self.faults.append("meta_json: not a JSON object")
            fields = self.fields
        for name in self.layout.spans:
            try:
                rate = float(fields.get("fps") or _POSITION_FPS)
                given = fields.get(name)
                if spans := (
                    [Span(at / rate, (at + 1) / rate) for at in sorted(given or [])]
                    if name == "position"
                    else read_references(given)
                ):
                    return [(span.start, span.end) for span in spans]
            except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
                self.faults.append(f"{name}: {error}")
                break
        return []

    def video(self) -> str:
        """The stem of its file's name."""
        names = [self.text(name, "") for name in self.layout.video]
        name = next(filter(None, names), "")
        if not name:
            raise ValueError(f"{' or '.join(self.layout.video)}: missing")
        path = Path(name)
        return path.stem if path.suffix.lower() in VIDEO_SUFFIXES else path.name

    def options(self) -> list[str]:
        """A list, a text or a mapping of letters, or columns that are padded with `N/A`."""
        name, _, column = self.layout.options.partition(" ")
        given = self.fields.get(name)
        if isinstance(given, str):
            return read_question(f"?\n{given}").options
        if isinstance(given, dict) and all(len(letter) == 1 for letter in given):
            self.fields[name] = [given[letter] for letter in sorted(given)]
        if not column or name in self.fields:
            return self.texts(name)
        columns = [self.fields.get(f"{column}{number}") for number in range(26)]
        while columns and columns[-1] in (None, "", "N/A"):
            columns.pop()
        self.fields[name] = columns
        return self.texts(name)

    def text(self, name: str, default: str | None = None) -> str:
        """A field that is a text or a whole number; ValueError for one that must be there."""
        value = self.fields.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return self.whole(name, str(value))
        fault = f"{name}: {'missing' if value is None else 'not a text'}"
        if default is None:
            raise ValueError(fault)
        self.faults += [] if value is None else [fault]
        return default

    def texts(self, name: str) -> list[str]:
        """A field that is a list of texts, or one."""
        value = self.fields.get(name)
        values = [] if value is None else value if isinstance(value, list) else [value]
        if all(isinstance(one, str) for one in values):
            return [self.whole(name, one) for one in values]
        self.faults.append(f"{name}: not a list of texts")
        return []

    def whole(self, name: str, text: str) -> str:
        """A text that can be written anywhere, with a mark for what is no character."""
        text = clean_text(text)
        self.faults += [f"{name}: holds what is no character"] if "\ufffd" in text else []
        return text


def _same(some: Sequence[str | None], others: Sequence[str | None]) -> bool:
    return [(text or "").split() for text in some] == [(text or "").split() for text in others]
