"""Text in the forms that a database, a terminal and a comparison of words can take."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator

__all__ = [
    "STOP_WORDS",
    "CleanText",
    "clean_json",
    "clean_text",
    "json_values",
    "normalise",
    "plain",
    "storable",
]

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_DEEPEST: Final = 20
# Escape sequences and direction overrides in a title or in words read from a video could repaint
# the terminal or reverse what is read.
_UNPRINTABLE: Final = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
_UNIFORM: Final = str.maketrans("\u2018\u2019\u02bc\u2013\u2014\u2212\u201c\u201d", "'''---\"\"")
_STOP_WORDS: Final = """
    a about according across actually after all along also am among an and any appear appeared
    appearing appears are as at be because been before being between both but by can caption
    captions clip could did display displayed displays do does during each either every
    following footage for frame from given had has have he her here him his how i if image in
    into is it its just listed many may me mention mentioned mentions more most much my of on
    one onscreen or our out over part picture please read reads said same saw say saying says
    scene screen see seen segment she should show showed showing shown shows so some subtitle
    subtitles text texts than that the their them then there these they this those through to
    toward towards under until up upon us video viewer visible was way we were what when where
    which while who whom whose why will with word words would write writes written you your
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())
"""Words that say nothing of the matter: grammar, and talk about watching a video."""


def clean_text(text: str) -> str:
    """Replace NUL, which Postgres refuses, and lone surrogates, which UTF-8 cannot carry."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable(text: str) -> str:
    """The same as rows of the index are written: NUL is left out, a lone surrogate is a `?`."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


CleanText = Annotated[str, AfterValidator(clean_text)]
"""A string field that models write."""


def clean_json(value: Any, clean: Callable[[str], str] = clean_text, depth: int = 0) -> Any:
    """`clean` every string in a JSON value; what is nested absurdly deep is cut off."""
    if isinstance(value, str):
        return clean(value)
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {clean(str(k)): clean_json(v, clean, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item, clean, depth + 1) for item in value]
    return value


def plain(text: str) -> str:
    """One line without control characters, safe to print."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def json_values(value: Any) -> Any:
    """Any result as JSON has it: named tuples as mappings, null where a rate is no number."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(_named(value), inf_nan_mode="null")


def _named(value: Any) -> Any:
    value = value._asdict() if hasattr(value, "_asdict") else value
    if isinstance(value, dict):
        return {key: _named(each) for key, each in value.items()}
    return [_named(each) for each in value] if isinstance(value, list | tuple) else value


def normalise(text: str) -> str:
    """One form for full-width letters, quotes, dashes and white space; the case is kept."""
    plain = unicodedata.normalize("NFKC", text).translate(_UNIFORM)
    return " ".join(plain.split())
