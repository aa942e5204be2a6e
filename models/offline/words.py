"""Words of a text as the stand-ins compare them: English by words, Chinese by characters.

Numbers count as written, letters are forgiven what OCR confuses, endings are cut off.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Final, Literal, NamedTuple

from videoseal.core.text import STOP_WORDS, normalise

__all__ = [
    "CHINESE",
    "CHINESE_NUMERALS",
    "IRREGULAR",
    "Token",
    "forms",
    "is_content",
    "tokens",
]

CHINESE: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Chinese characters, as the inside of a character class."""
CHINESE_NUMERALS: Final = frozenset("零一二两三四五六七八九十百千万")
_PIECE = re.compile(
    rf"(?P<chinese>[{CHINESE}])"
    r"|(?P<number>\d+(?:[.,:/]\d+)*)"
    rf"|(?P<word>(?:(?![{CHINESE}])[^\W\d_])+(?:'[^\W\d_]{{1,2}}\b)?)"
)
_MISREAD_DIGIT = re.compile(r"\b(?=\w{5,}\b)([^\W\d_]+)([015])([^\W\d_]+)\b")
_AS_LETTER: Final = {"0": "o", "1": "i", "5": "s"}
_COUNT: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
)
_NUMBER_WORDS: Final = _COUNT.split()
_SHORTEST_RUN: Final = 5
"""Letters from which a word may be several that OCR has run together."""
_LONG_RUN: Final = 10
"""Letters from which a part of it may stay unexplained."""
_LONGEST_WORD: Final = 20
_EXPLAINED: Final = 0.6
"""Share of such a run that known words must cover."""
_STRANGER: Final = 2.0
"""What an unexplained part costs, so that `departs` is not cut into de-part-s."""
_LIKE_I: Final = "Il"
"""What OCR makes of the word `I` when it loses the space behind it."""
_ENDINGS: Final = ("ing", "ers", "ors", "er", "or", "ed", "es", "s", "e")


class Token(NamedTuple):
    """One word, number or Chinese character."""

    text: str
    """The form that is compared."""
    raw: str
    """As written."""
    kind: Literal["word", "number", "chinese"]


def tokens(text: str, vocabulary: Collection[str] = ()) -> list[Token]:
    """Cut a text into tokens; words run together are parted where `vocabulary` explains them."""
    text = _MISREAD_DIGIT.sub(lambda m: f"{m[1]}{_AS_LETTER[m[2]]}{m[3]}", normalise(text))
    found: list[Token] = []
    for match in _PIECE.finditer(text):
        raw = match.group()
        if match.lastgroup == "chinese":
            found.append(Token(raw, raw, "chinese"))
        elif match.lastgroup == "number":
            found.append(Token(_number(raw), raw, "number"))
        else:
            parts = _part(raw, frozenset(vocabulary)) if vocabulary else [raw]
            found.extend(_word(part) for part in parts)
    return found


def is_content(token: Token) -> bool:
    """Whether a token says something of the matter, as against grammar."""
    if token.raw.lower() in STOP_WORDS:
        return False
    return token.kind != "word" or len(token.text) > 1 or token.raw.isupper()


def _number(raw: str) -> str:
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", raw):
        raw = raw.replace(",", "")
    return raw.lstrip("0") or "0" if raw.isdigit() and len(raw) < 3 else raw


@functools.lru_cache(maxsize=8192)
def _word(raw: str) -> Token:
    plain = unicodedata.normalize("NFKD", raw.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = plain.split("'")[0]
    if plain in _NUMBER_WORDS:
        return Token(str(_NUMBER_WORDS.index(plain)), raw, "number")
    return Token(_forgive(_stem(IRREGULAR.get(plain, plain))), raw, "word")


def _stem(word: str) -> str:
    """Cut common endings, so that `director` meets `directed`; not a dictionary."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word


def _forgive(word: str) -> str:
    """One form for letters that OCR takes for each other."""
    return word.replace("rn", "m").replace("vv", "w").replace("l", "i")


class _Cut(NamedTuple):
    """A way to cut the beginning of a run of letters."""

    score: float
    known: int
    """Letters that known words explain."""
    parts: tuple[str, ...]
    open: bool
    """Whether the last part is still unexplained and may grow."""

    def known_word(self, word: str, is_stop_word: bool) -> _Cut:
        gain = 0 if is_stop_word else len(word)
        return _Cut(self.score + gain, self.known + len(word), (*self.parts, word), False)

    def letter(self, letter: str) -> _Cut:
        if self.open:
            return self._replace(parts=(*self.parts[:-1], self.parts[-1] + letter))
        return _Cut(self.score - _STRANGER, self.known, (*self.parts, letter), True)


def _part(run: str, vocabulary: frozenset[str]) -> list[str]:
    """Cut a run of letters without spaces at known words, if those explain most of it."""
    lower = run.casefold()
    if run[0] in _LIKE_I and lower[1:] in vocabulary and lower not in vocabulary:
        return ["I", run[1:]]
    if len(run) < _SHORTEST_RUN or len(lower) != len(run) or lower in vocabulary:
        return [run]
    best = [_Cut(0, 0, (), False)]
    for end in range(1, len(run) + 1):
        ways = [best[-1].letter(run[end - 1])]
        for start in range(max(0, end - _LONGEST_WORD), end - 1):
            word = lower[start:end]
            if word in vocabulary or word in STOP_WORDS:
                ways.append(best[start].known_word(run[start:end], word not in vocabulary))
        best.append(max(ways, key=lambda way: way.score))
    share = _EXPLAINED if len(run) >= _LONG_RUN else 1.0
    explained = best[-1].known >= share * len(run)
    return list(best[-1].parts) if explained else [run]


_FORMS: Final = """
    bear bore borne; beat beaten; become became; begin began begun; bend bent; bind bound;
    bite bit bitten; blow blew blown; break broke broken; bring brought; build built; buy bought;
    catch caught; choose chose chosen; come came; creep crept; deal dealt; dig dug; draw drew drawn;
    drink drank drunk; drive drove driven; eat ate eaten; fall fell fallen; feed fed; feel felt;
    fight fought; find found; flee fled; fly flew flown; forget forgot forgotten;
    freeze froze frozen;
    get got gotten; give gave given; go went gone; grow grew grown; hear heard; hide hid hidden;
    hold held; keep kept; know knew known; lay laid; lead led; leave left; lend lent; lie lay lain;
    lose lost; make made; mean meant; meet met; pay paid; ride rode ridden; ring rang rung;
    rise rose risen; run ran; see saw seen; seek sought; sell sold; send sent; shake shook shaken;
    shine shone; shoot shot; sing sang sung; sink sank sunk; sit sat; sleep slept;
    speak spoke spoken;
    spend spent; stand stood; steal stole stolen; stick stuck; strike struck; swear swore sworn;
    swim swam swum; take took taken; teach taught; tear tore torn; tell told; think thought;
    throw threw thrown; understand understood; wake woke woken; wear wore worn; weave wove woven;
    win won; write wrote written
"""
IRREGULAR: Final[Mapping[str, str]] = {
    form: forms.split()[0] for forms in _FORMS.split(";") for form in forms.split()[1:]
}
"""Past forms to their base; `lay` counts as the past of `lie`, `found` as that of `find`."""


def forms(word: str) -> set[str]:
    """A word, in lower case, with the forms that it may take in another sentence."""
    base = IRREGULAR.get(word, word)
    others = {form for form, root in IRREGULAR.items() if root == base}
    stem = base.removesuffix("e")
    return {word, base, *others, f"{base}s", f"{stem}ed", f"{stem}ing"}
