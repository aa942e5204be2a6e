"""Bytes of a text file as text: marks first, then UTF-8, then what the language says."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import chardet

__all__ = ["DAMAGE", "decode", "language_of"]

DAMAGE: Final = "\ufffd"
"""What stands in the text where a byte cannot be read."""
_BY_LANGUAGE: Final = {
    "ar ara arabic fa per fas persian farsi ur urd": ("cp1256",),
    "el gre ell greek": ("cp1253",),
    "he heb iw hebrew": ("cp1255",),
    "ja jpn jp japanese": ("cp932", "euc-jp"),
    "ko kor kr korean": ("cp949",),
    "lt lit lithuanian lv lav latvian et est estonian": ("cp1257",),
    "pl pol polish cs cze ces cz czech sk slo slk slovak hu hun hungarian sl slv slovenian hr hrv"
    " croatian bs bos ro rum ron romanian sq alb sqi": ("cp1250",),
    "ru rus russian uk ukr ukrainian bg bul bulgarian sr srp serbian mk mac mkd be bel": (
        "cp1251", "koi8-r", "cp866",
    ),
    "th tha thai": ("cp874",),
    "tr tur turkish az aze": ("cp1254",),
    "vi vie vietnamese": ("cp1258",),
    "zh-tw zh-hk zh-hant cht tc big5": ("big5", "gb18030"),
    "zh chi zho chs sc gb chinese zh-cn zh-hans": ("gb18030", "big5"),
    "en eng english de ger deu german fr fre fra french es spa spanish it ita italian pt por"
    " portuguese nl dut nld dutch sv swe swedish da dan danish no nor nb nn norwegian fi fin"
    " finnish is ice isl ca cat": ("cp1252",),
}  # fmt: skip
_ENCODINGS: Final = {name: codes for names, codes in _BY_LANGUAGE.items() for name in names.split()}
_ANY: Final = sorted({code for codes in _BY_LANGUAGE.values() for code in codes})
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x19\x1b-\x1f]")
_MOST_CONTROL: Final = 0.02
_WORD: Final = re.compile(r"[^\W\d_]+")
_TOGETHER: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "KATAKANA-HIRAGANA"})
_MOST_MIXED: Final = 0.25
_LONG: Final = ("gb18030", "big5", "cp932", "cp949", "euc-jp")
"""Code pages of several bytes a letter: one lost byte breaks what all others read."""
_MOST_BROKEN: Final = 0.1
_JUDGED: Final = 1000
"""Lines that are enough to tell a code page."""
_WESTERN: Final = "cp1252"
_LATIN: Final = frozenset({"cp1250", "cp1252", "cp1254", "cp1257", "cp1258"})
_LIKELIER: Final = 2.0
"""So much likelier must another Latin code page be than the one that most files have."""


def language_of(name: str) -> str:
    """The language that a file's name says (`film.zh-TW`, `film.rus.forced`); "" for none."""
    parts = [part.lower().replace("_", "-") for part in name.split(".")[1:]]
    known = (part for part in reversed(parts) if _codes(part))
    return next(known, "")


def decode(raw: bytes, language: str = "") -> str | None:
    """The text, `DAMAGE` where bytes are broken; None for what is no text.

    `language` as in `language_of`; without it that encoding is taken whose script makes words.
    """
    text = _unicode(raw)
    if text is None:
        text = _legacy(raw, _codes(language.lower().replace("_", "-")))
    if len(_CONTROL.findall(text)) > _MOST_CONTROL * len(text):
        return None
    return _CONTROL.sub(DAMAGE, text.replace("\x1a", "").replace("\ufeff", ""))


def _codes(language: str) -> tuple[str, ...]:
    return _ENCODINGS.get(language) or _ENCODINGS.get(language.partition("-")[0], ())


def _unicode(raw: bytes) -> str | None:
    """The text in a form of Unicode; None where the bytes are none."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    for parity, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        empty, other = raw[parity::2].count(0), raw[1 - parity :: 2].count(0)
        if empty * 10 > len(raw) and other * 10 < empty:
            return raw.decode(encoding, "replace")
    text = raw.decode("utf-8", "replace")
    broken = text.count(DAMAGE) - raw.count(DAMAGE.encode())
    beyond = sum(not letter.isascii() for letter in text) - text.count(DAMAGE)
    return text if broken * 2 <= beyond else None


def _legacy(raw: bytes, codes: Sequence[str]) -> str:
    """The text in a code page: one of `codes`, else whichever gives words of one script."""
    encoding = codes[0] if len(codes) == 1 else _likeliest(_sample(raw), codes)
    # The code page of Vietnamese has marks of its own that follow their letters.
    return unicodedata.normalize("NFC", raw.decode(encoding, "replace"))


def _sample(raw: bytes) -> bytes:
    """The lines beyond ASCII, without the few that a code page which reads the others cannot."""
    lines = [line for line in raw.split(b"\n") if not line.isascii()][:_JUDGED]
    for code in _LONG:
        read = [line for line in lines if DAMAGE not in line.decode(code, "replace")]
        if len(lines) - len(read) <= len(lines) * _MOST_BROKEN:
            lines = read
    return b"\n".join(lines)


def _likeliest(raw: bytes, codes: Sequence[str]) -> str:
    """The one of `codes` that fits every byte best; of any, one that mixes no scripts."""
    found: dict[str, float] = {}
    for guess in chardet.detect_all(raw, ignore_threshold=True, include_encodings=codes or _ANY):
        encoding = codecs.lookup(guess["encoding"] or _WESTERN).name
        if DAMAGE not in (text := raw.decode(encoding, "replace")) and (
            codes or not _is_mixed(text)
        ):
            found[encoding] = guess["confidence"]
    if not found:
        return (*codes, _WESTERN)[0]
    best = next(iter(found))
    rare = best in _LATIN and found[best] < _LIKELIER * found.get(_WESTERN, 0.0)
    return _WESTERN if rare else best


def _is_mixed(text: str) -> bool:
    """Whether many words are made of letters of several scripts, as in a wrong code page."""
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    return sum(map(_mixes, words)) > len(words) * _MOST_MIXED


def _mixes(word: str) -> bool:
    scripts = [unicodedata.name(letter, "?").partition(" ")[0] for letter in word]
    others = [script for script in scripts if script not in _TOGETHER]
    # Chinese takes in Latin names without a space.
    return len(set(others)) > 1 or len(scripts) - len(others) < len(others) < len(scripts)
