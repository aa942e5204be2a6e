"""Words around JSON and the JSON in them: past thoughts, mended where only one sense is left.

Strict JSON is read as it stands. Anything else goes through `json_repair`, and counts only if no
word of it was lost or added on the way: what can be read in two ways is not read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple, NoReturn

import json_repair

from videoseal.core.text import clean_json

__all__ = ["CUT", "JsonPart", "after_thoughts", "json_at", "json_parts", "read_json", "read_value"]

_NAMES: Final = r"(?:\w+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad)"
_OPEN: Final = (
    rf"<{_NAMES}>|◁think▷|\[THINK\]|<\|(?:START_THINKING|begin_of_thought|thinking)\|>"
    r"|<\|channel\|>analysis(?!\s+to=)|<\|channel>thought|<unused94>"
)
_CLOSE: Final = (
    rf"</{_NAMES}>|◁/think▷|\[/THINK\]|<\|(?:END_THINKING|end_of_thought|/thinking)\|>"
    r"|<channel\|>|<unused95>"
)
_MARK: Final = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})|[{{\[]", re.IGNORECASE)
_END: Final = re.compile(rf"{_CLOSE}|<\|end\|>|(?=<\|(?:start|channel)\|>)", re.IGNORECASE)
_BARE_CHANNELS: Final = re.compile(r"\A\s*analysis.*assistant(?=final|commentary)(?:final)?", re.S)
"""Channels whose control tokens the server has dropped."""
_TRIES: Final = 300
"""Brackets of one reply that may turn out to open no JSON."""
_LONGEST: Final = 12_000
"""Characters that are mended at a time; json_repair takes the square of them on rubbish."""
_PARTS: Final = 100
"""Objects and lists of one reply that are read at most."""
_NEAR: Final = 1000
_MENDS: Final = 8
"""Failures to mend before the rest of a reply is left alone."""
CUT: Final = "it was cut off, its end is missing"
"""Why what a limit has cut is not read."""
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_BRACKET: Final = re.compile(
    r"\{(?=\s*(?:[\"'“”„‘’{}\\/#]|[A-Za-z_]\w*[\"'”’]?\s*[:=]))|\[(?=\s*[\[{\"'“”„‘’\\/#\]])"
)
"""A bracket that could open JSON, and not a remark."""
_CURLY: Final = re.compile(r"[{\[,:]\s*[“”„‘’]")
_ESCAPED: Final = re.compile(r"[{\[]\s*\\\"")
_STRAIGHT: Final = str.maketrans("“”„‘’", '"""\'\'')
_ENDS: Final = r"(?=[ \t]*(?:[,:}\]/#;=\"'\r\n]|\Z))"
"""What follows the quote that ends a string; any other quote is a part of it."""
_STRINGS: Final = (
    rf"\"(?:\\.|[^\"\\]|\"(?!{_ENDS}))*\"{_ENDS}"
    rf"|(?<=[{{\[,:\s])'(?:\\.|[^'\\]|'(?!{_ENDS}))*'{_ENDS}"
)
_REMARK: Final = r"//[^\n]*|/\*.{0,999}?\*/"
_TOKEN: Final = re.compile(
    rf"{_STRINGS}|{_REMARK}|\\.|(?P<cut>\"|(?<=[{{\[,:\s])')|(?P<open>[{{\[])|(?P<close>[}}\]])",
    re.DOTALL,
)
_COMMENT: Final = re.compile(rf"(?P<text>{_STRINGS})|{_REMARK}", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[bfnrt])")
_NO_NUMBER: Final = re.compile(r"[:,\[]\s*-?(NaN|Infinity|inf|nan)\s*[,}\]]")
_WORD: Final = re.compile(r"\d*\.?\d+|[^\W\d_]+|\.{3}|…")


class JsonPart(NamedTuple):
    """An object or a list in a text."""

    start: int
    end: int
    value: Any
    """None where it cannot be read."""
    error: str = ""
    """Why it cannot be read."""
    mended: bool = False
    """Whether it is not strictly JSON."""


def after_thoughts(text: str) -> str:
    """What was said beside the thoughts; tags inside JSON strings are words like any other."""
    text = _BARE_CHANNELS.sub("", text)
    kept, start, position = "", 0, 0
    tries = _TRIES
    while mark := _MARK.search(text, position):
        if mark["open"]:
            kept += text[start : mark.start()]
            end = _END.search(text, mark.end())
            start = position = end.end() if end else len(text)
        elif mark["close"]:
            # Templates that open the thought themselves leave a reply with only its end.
            kept, start, position = "", mark.end(), mark.end()
        else:
            found = _decoded(text, mark.start()) if tries > 0 else None
            tries -= found is None
            position = found.end if found else mark.end()
    return (kept + text[start:]).strip()


def read_json(text: str) -> Any:
    """Read one JSON value; ValueError says where and why it is none.

    NaN, infinities, repeated names, lone surrogates and NUL are errors: a later reader, Postgres
    among them, would refuse them or choose differently.
    """
    if _NUL.search(text):
        raise ValueError("the character NUL is not allowed")
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos}") from None
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair is not a character") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def read_value(text: str) -> Any:
    """The one value that a text means as JSON, mended where it must be; ValueError if none."""
    try:
        return clean_json(_DECODER.decode(text))
    except (ValueError, RecursionError):
        said = text.strip()
        part = json_at(said, 0, finished=False) if said[:1] in ("{", "[") else None
        if part is None or part.value is None or part.end < len(said):
            raise ValueError(part.error if part and part.error else _fault(text)) from None
        return part.value


def json_parts(text: str, *, finished: bool = True) -> list[JsonPart]:
    """The objects and lists of a text, in order, and those that look like one but cannot be read.

    Where the writer `finished` by itself, brackets that are missing at the very end are closed;
    what a limit cut is not.
    """
    parts: list[JsonPart] = []
    text = _straight(text)
    position = failures = 0
    while failures < _MENDS and len(parts) < _PARTS and (mark := _BRACKET.search(text, position)):
        part = json_at(text, mark.start(), finished=finished)
        failures += part.value is None
        parts.append(part)
        position = part.end
    return parts


def _straight(text: str) -> str:
    """With the quotes that JSON wants: not curly, nor escaped as inside another string."""
    if text.startswith('"'):
        with suppress(ValueError, RecursionError):
            text = str(_DECODER.decode(text))
    if _ESCAPED.search(text):
        text = text.replace('\\"', '"')
    return text


def _decoded(text: str, start: int) -> JsonPart | None:
    """The strict JSON that begins there; line breaks inside strings are let pass."""
    try:
        value, end = _DECODER.raw_decode(text, start)
        return JsonPart(start, end, clean_json(value))
    except (ValueError, RecursionError):
        return None


def json_at(text: str, start: int, *, finished: bool) -> JsonPart:
    """The object or list that begins at `start`, as `json_parts` reads it."""
    if strict := _decoded(text, start):
        return strict
    straight = text.translate(_STRAIGHT) if _CURLY.search(text, start, start + _NEAR) else text
    end, whole = _extent(straight, start)
    if end < 0 or not (whole or finished):
        return JsonPart(start, len(text), None, CUT)
    try:
        return JsonPart(start, end, _mended(straight[start:end]), mended=True)
    except ValueError as problem:
        return JsonPart(start, end, None, str(problem) if whole else CUT)


def _extent(text: str, start: int) -> tuple[int, bool]:
    """Where the bracket at `start` is closed again, and whether it is; -1 inside a string."""
    depth, position = 0, start
    while token := _TOKEN.search(text, position):
        position = token.end()
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
            if depth <= 0:
                return position, True
        elif token["cut"]:
            return -1, False
    return len(text), False


def _mended(text: str) -> Any:
    """What is left of a text after json_repair, if that has all of its words and no other."""
    if len(text) > _LONGEST:
        raise ValueError("it is too long")
    if found := _NO_NUMBER.search(text):
        _no_constant(found[1])
    bare = _COMMENT.sub(lambda found: found["text"] or " ", text)
    try:
        value = json_repair.loads(bare, skip_json_loads=True)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError(f"it is not JSON: {problem}") from None
    if not isinstance(value, dict | list) or _words(bare) != Counter(_words_of(value)):
        raise ValueError(_fault(text))
    return clean_json(value)


def _fault(text: str) -> str:
    """Why the strict reader refuses a text, in words that its writer can act on."""
    try:
        read_json(text)
    except ValueError as problem:
        return f"it is not one JSON object: {problem}"
    return "it is not one JSON object"


def _words(text: str) -> Counter[str]:
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else " ", text)
    return Counter(map(_word, _WORD.findall(plain.replace("\\", ""))))


def _words_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _words_of(name)
            yield from _words_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words_of(inner)
    else:
        said = "null" if value is None else str(value).replace("\\", "")
        yield from map(_word, _WORD.findall(said))


def _word(said: str) -> str:
    if said[-1].isdecimal():
        return str(float(said)) if said.isascii() else said
    said = said.casefold()
    return "null" if said == "none" else said


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise ValueError(f"the name {twice!r:.40} occurs twice in one object")
    return found


def _agreed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that occurs twice is let pass if it says the same twice."""
    found = dict(pairs)
    return found if all(found[name] == value for name, value in pairs) else _object(pairs)


_DECODER: Final = json.JSONDecoder(
    strict=False, parse_constant=_no_constant, object_pairs_hook=_agreed
)
