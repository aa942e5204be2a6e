"""What a question names: the words that evidence must carry before it may settle anything."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from videoseal.core.text import STOP_WORDS, normalise
from videoseal.models.offline.words import (
    CHINESE,
    CHINESE_NUMERALS,
    Token,
    forms,
    is_content,
    tokens,
)
from videoseal.models.types import Question

__all__ = ["AskedFor", "Clue", "is_common", "read_question"]

_QUOTED = re.compile(
    r"\"([^\"]{1,80})\"|(?<!\w)'([^']{2,80})'(?!\w)|[「『《【]([^」』》】]{1,80})[」』》】]"
)
_CODE = re.compile(r"(?<![\w:.,-])(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9]{2,12}(?![\w:])", re.ASCII)
_CARRIERS = """
    sign signs board notice poster banner label panel billboard plate headline film movie story
    course following option next previous preceding period segment interval range moment top bottom
    left right middle background foreground shape
"""
_ATTRIBUTES = """
    time number phone telephone name title colour color date day month year price code value amount
    kind type sort place location object thing person people someone letter digit message line
"""
_VERBS = """
    open close start begin end leave depart arrive meet bring need use give make take have get go
    come tell ask hold keep stand lead run set call announce state promise require contain order
    belong sell cost buy pay offer want live work stay happen become turn put place find carry
    receive present travel head serve cause name paint move float fly race
    write create
"""
_CARRIER_WORDS: Final = frozenset(token.text for token in tokens(_CARRIERS))
"""What words stand on, and where they stand: never the words themselves."""
_ATTRIBUTE_WORDS: Final = frozenset(token.text for token in tokens(_ATTRIBUTES))
"""What is asked for by name (`which NUMBER`); elsewhere in a question they are things."""
_VERB_WORDS: Final = frozenset(token.text for token in tokens(_VERBS))
_SCENE = re.compile(r"(?<=\w)[, ]+(?:when|while|as|at the (?:moment|time))\s+(?=\S+ \S)", re.I)
_RELATIVE = re.compile(r"(?<=\w )(?:who|whom|whose|that|which|where) (?=\S+ \S)", re.I)
_SMALL = "about after at before by during for from in into next of on over than to under with"
_PREPOSITIONS: Final = frozenset(_SMALL.split())
_DETERMINERS: Final = frozenset(("the", "a", "an", "this", "that", "his", "her", "their", "its"))
_ASKING: Final = frozenset(("what", "which", "whose", "how"))
_PERSONS: Final = frozenset(("one", "person", "people", "someone", "somebody", "thing"))
_UNDECIDABLE = re.compile(
    r"\b(?:not|never|except|without|cannot|isn't|doesn't|least|how many times|how often)\b"
    r"|没有|不是|没出现|多少次|几次",
    re.I,
)
_CHINESE_GRAMMAR: Final = (
    "什么时候|什么时间|什么地方|哪一段|一段|时间段|下一个|什么|时候|时间|几点|多少|哪一天|哪一个|哪天|哪个|哪里|哪儿|哪位|哪|谁"
    "|怎么|为什么|如何|是否|视频|影片|画面|屏幕|镜头|字幕|告示牌|指示牌|价格牌|标牌|路牌|牌子|标志|告示"
    "|招牌|海报|公告|标题|文字|内容|根据|按照|显示|出现|写着|写的|写|看到|提到|说的|说|请问|其中|以下"
    "|下列|选项|这个|那个|一个|上面|里面|中的|上的|里的|的是|送给|约在"
    "|的|是|在|了|吗|呢|和|与|有|请|把|被|为|给|到|几"
)
_CHUNK = re.compile(rf"[{CHINESE}]+")


class Clue(NamedTuple):
    """A word, name, number or phrase of the question."""

    raw: str
    """As the question writes it."""
    tokens: tuple[str, ...]
    """What must stand side by side."""
    hard: bool
    """Names, numbers and quotations: nothing else will do in their place."""
    scene: bool
    """Whether it tells when to look, so that it may stand elsewhere in the same frame."""
    light: bool = False
    """Verbs that are easily said otherwise."""


class AskedFor(NamedTuple):
    """A question, taken apart."""

    clues: tuple[Clue, ...]
    options: tuple[tuple[Token, ...], ...]
    telling: tuple[tuple[str, ...], ...]
    """What sets each option apart: its content words, less those that all options share."""
    relative: tuple[Clue, ...]
    """The clues of a relative clause (`the room WHERE THE CLUB MEETS`): what the question goes by
    way of."""
    head: str
    """The noun that is asked for (`how many KEYS`), in its compared form; may be empty."""
    vocabulary: frozenset[str]
    """Words that help to part what OCR has run together."""
    decidable: bool
    """False where finding words cannot answer: negations and counts over the whole video."""

    @property
    def hard(self) -> tuple[Clue, ...]:
        """The clues that nothing can stand in for."""
        return tuple(clue for clue in self.clues if clue.hard)

    @property
    def soft(self) -> tuple[Clue, ...]:
        """Content words that are neither hard nor light."""
        return tuple(clue for clue in self.clues if not clue.hard and not clue.light)


def read_question(question: Question) -> AskedFor:
    """Take a question and its options apart."""
    text = normalise(question.text)
    options = tuple(tuple(tokens(option)) for option in question.options)
    every = [*tokens(text), *(token for option in options for token in option)]
    return AskedFor(
        clues=tuple(_clues(text)),
        options=options,
        telling=_telling(options),
        relative=_relative(text),
        head=_head(text),
        vocabulary=frozenset(
            form
            for token in every
            if token.kind == "word" and len(token.raw) > 2
            for form in forms(token.raw.casefold())
        ),
        decidable=_UNDECIDABLE.search(text) is None,
    )


def _telling(options: tuple[tuple[Token, ...], ...]) -> tuple[tuple[str, ...], ...]:
    words = [[token.text for token in option if is_content(token)] for option in options]
    shared = set(words[0]).intersection(*words[1:]) if len(words) > 1 else set()
    return tuple(
        tuple(word for word in option if word not in shared) or tuple(option) for option in words
    )


def _relative(text: str) -> tuple[Clue, ...]:
    """The clues of a relative clause; `on which day` and `in the room that` differ by a noun."""
    for match in _RELATIVE.finditer(text):
        before = text[: match.start()].lower().split()[-1].strip(",")
        if before in _PERSONS or before not in _PREPOSITIONS | STOP_WORDS:
            return tuple(_part_clues(text[match.end() :], scene=False))
    return ()


def _clues(text: str) -> list[Clue]:
    parts = _SCENE.split(text, maxsplit=1)
    found: dict[tuple[str, ...], Clue] = {}
    for place, part in enumerate(parts):
        for clue in _part_clues(part, place > 0):
            found.setdefault(clue.tokens, clue)
    return list(found.values())


def _part_clues(text: str, scene: bool) -> list[Clue]:
    clues: list[Clue] = []
    for match in _QUOTED.finditer(text):
        raw = next(group for group in match.groups() if group)
        quoted = tuple(token.text for token in tokens(raw))
        if quoted:
            clues.append(Clue(raw, quoted, True, scene))
    rest = _QUOTED.sub(" , ", text)
    for raw in _CODE.findall(rest):
        clues.append(Clue(raw, tuple(token.text for token in tokens(raw)), True, scene))
    rest = _CODE.sub(" , ", rest)
    clues += [Clue(raw, tuple(raw), False, scene) for raw in _chinese(rest)]
    names = _names(rest)
    plain = list(tokens(_CHUNK.sub(" ", rest)))
    for at, token in enumerate(plain):
        hard = token.raw[0].isdigit() or token.raw in names
        if hard or (is_content(token) and not _is_asked_for(plain, at)):
            light = not hard and _is_verb(plain, at)
            clues.append(Clue(token.raw, (token.text,), hard, scene, light))
    return clues


def _is_verb(words: list[Token], at: int) -> bool:
    """Whether a word is a common verb, and not the noun of the same form (`the PAINTING`)."""
    before = words[at - 1].raw.lower() if at else ""
    noun = before in _DETERMINERS | _PREPOSITIONS - {"to"}
    noun |= words[at].raw.lower().endswith("ing") and before not in ("is", "are", "was", "were")
    return words[at].text in _VERB_WORDS and not noun


def _is_asked_for(words: list[Token], at: int) -> bool:
    """Whether a word names the kind of answer, or what words stand on, and no thing."""
    if words[at].text in _CARRIER_WORDS:
        return True
    if words[at].text not in _ATTRIBUTE_WORDS:
        return False
    if words[at].raw.lower() in _PERSONS:
        return True
    before = [word.raw.lower() for word in words[:at]]
    asking = [place for place, word in enumerate(before) if word in _ASKING]
    return bool(asking) and not _PREPOSITIONS.intersection(before[asking[-1] :])


def _names(text: str) -> set[str]:
    """Capitalised words that do not merely begin a sentence."""
    words = [token for token in tokens(text) if token.kind == "word"]
    capital = [token for token in words if token.raw[0].isupper()]
    if len(capital) > 0.6 * len(words):
        return set()
    firsts = set(re.findall(r"(?:^|[.?!:]\s+)([^\W\d_]+)", text))
    return {
        token.raw
        for token in capital
        if is_content(token)
        and (token.raw not in firsts or (token.raw.isupper() and len(token.raw) > 1))
    }


def _chinese(text: str) -> list[str]:
    """Runs of Chinese between words of grammar and of asking."""
    chunks = _CHUNK.findall(text)
    pieces = [piece for chunk in chunks for piece in re.split(_CHINESE_GRAMMAR, chunk)]
    return [piece for piece in pieces if len(piece) > 1 or piece in CHINESE_NUMERALS]


def is_common(token: Token) -> bool:
    """Whether a word is too common to tell one thing from another."""
    return token.text in _CARRIER_WORDS | _ATTRIBUTE_WORDS | _VERB_WORDS


def _head(text: str) -> str:
    match = re.search(r"\b(?:how many|how much|which|what)\s+((?:\w+\s*){1,3})", text, re.I)
    if match is None:
        return ""
    content = [token for token in tokens(match.group(1)) if is_content(token)]
    return content[0].text if content else ""
