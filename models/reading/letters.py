"""The letter of an option, as it is stated in words or in a field made for it.

Two letters are none, unless the first is taken back in words; a letter that stands in a thought, a
question, a name, a link or a list of the options is not stated at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from videoseal.core.text import normalise
from videoseal.models.reading.json_text import after_thoughts, json_parts
from videoseal.models.reading.wire import NOTHING, bare_name
from videoseal.models.types import Question

__all__ = ["parse_choice", "read_choice"]

_KEYS: Final = frozenset(
    {"answer", "choice", "option", "letter", "finalanswer", "finalchoice", "correctanswer",
     "correctoption", "correctchoice", "selectedoption", "selected", "selection", "prediction",
     "answerletter", "optionletter", "result", "response", "final", "pick"}
)  # fmt: skip
_TAGGED: Final = re.compile(
    r"<(answer|final_?answer|final|choice|option|result|output)>(.*?)</\1>", re.I | re.S
)
_BOXED: Final = re.compile(r"\\(?:boxed|fbox)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_LATEX: Final = re.compile(
    r"\\(?:text|mathrm|mathbf|textbf|boldsymbol)\s*\{([^{}]*)\}|[$]|\\[()\[\]]"
)
_LINK: Final = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_CONTROL: Final = re.compile(r"<\|[^|<>]{1,40}\|>|</?s>|[*`_]+|(?m:^\s*[#>]+)")
_STOPS: Final = re.compile(r"(?<=[.!?;\u3002\uff01\uff1f\n])\s+|\n|(?<=[\u3002\uff01\uff1f])")
_TURNS: Final = re.compile(
    rf"{_STOPS.pattern}|(?:,|;|\.\.\.|-)\s*(?=(?:no\b|wait|actually|sorry|i\s+mean|correction))",
    re.I,
)
_OPENS: Final = r"[(\[{\"'<\u300c\u3010\u300e]*"
_LETTER: Final = rf"{_OPENS}(?P<letter>[A-Za-z])(?![A-Za-z0-9&+]|[-.'#]\w|#)"
"""A letter alone, with what may stand before it."""
_NOUN: Final = (
    r"answers?|ans|choice|option|letter|guess|pick|selection|response|solution|conclusion|result"
    r"|antwort|lösung|wahl|réponse|choix|respuesta|opción|resposta|opção|alternativa|risposta"
    r"|opzione|scelta|antwoord|svar|svaret|odpowiedź|odpověď|vastaus|cevap|yanıt|şık|jawaban"
    r"|răspuns(?:ul)?|válasz|απάντηση|ответ|вариант|відповідь|đáp án|câu trả lời|उत्तर"
)
_FILL: Final = (
    r"is|was|are|be|being|would|should|must|will|might|may|could|has|to|the|this|that|question"
    r"|for|of|here|clearly|definitely|probably|likely|most|therefore|thus|then|so|indeed|certainly"
    r"|option|choice|letter|answer|my|final|best|correct|right|i|think|believe|number|question|as"
    r"|ist|lautet|die|der|das|richtige|est|la|le|les|bonne|correcte|es|el|correcta|opción|option"
    r"|é|è|e|a|o|corretta|correta|är|er|is|het|jest|je|это|правильный|вариант|là|adalah"
)
_COPULA: Final = r"is|was|are|be|ist|lautet|est|es|é|è|är|er|jest|je|это|là|[:=]|->"
_CHOSEN: Final = (
    r"(?:^\W*|\b(?:i|we|let's|let\s+me|i'll|i'd|i'm)\b(?:\s+\w+){0,3}?\s+)(?:choose|chose|chosen"
    r"|choosing|pick(?:ed|ing)?|select(?:ed|ing)?|go(?:ing)?\s+(?:with|for)|went\s+with"
    r"|opt(?:ed|ing)?\s+for|settle[ds]?\s+on|vote\s+for|say|answer(?:ed)?)"
)
_CUE: Final = re.compile(
    rf"(?:(?<![\w])(?:{_NOUN})\b(?:\s+(?:{_FILL})\b)*(?:\s*\([^()]{{0,20}}\)|,[\w\s]{{1,25}},\s+is)?|{_CHOSEN}"
    r"|\bcorrect(?:\s+(?:one|answer|option|choice|letter))?(?:\s+is|\s+would\s+be|\s*:)"
    r"|\b(?:it|that|this)(?:\s+(?:is|must\s+be|should\s+be|has\s+to\s+be)|'s)"
    r"(?:\s+(?:definitely|clearly|probably|likely|most\s+likely|option|letter|choice))*"
    r"|\b(?:so|thus|therefore|hence|but|then|consequently|otherwise|else|most\s+likely"
    r"|probably|definitely|surely)\b[,:]?(?:\s+(?:option|it's|it\s+is))?"
    r"|\b(?:match|indicat|suggest|support|favou?r|point)(?:e?s|s?\s+to)\b(?:\s+(?:option|choice))*"
    r"|答案(?:应该|應該)?(?:是|为|為|选|選)?|选项|選項|(?:应|應)?(?:选|選)(?:择|擇)?"
    r"|正确(?:的)?(?:答案|选项)?(?:是|为)?|(?:正解|答え|解答|回答)(?:は|是)?|정답(?:은)?|답(?:은|변은)?"
    r"|(?:الإجابة|الجواب)(?:\s+(?:هي|هو|الصحيحة))*)"
    rf"(?:是|为|為)?\s*[:=>-]*\s*{_LETTER}",
    re.IGNORECASE,
)
_BARE_NOUN: Final = re.compile(r"(?<!\w)(?P<noun>option|choice|letter)\W*$", re.IGNORECASE)
_JUDGED: Final = re.compile(
    rf"{_LETTER}[)\]}}\"'>]*(?:\s*[.:)-]+\s*|\s+(?:is|seems|looks|must\s+be|would\s+be|ist|est|es)\s+"
    r"|\s*(?:是|が|가|는|은)\s*)(?:the\s+|my\s+|most\s+likely\s+|clearly\s+|definitely\s+)*"
    r"(?:(?:correct|right|true|best|yes|answer|richtig)(?!\w)|[✓✔✅]|正确|正解|정답)",
    re.IGNORECASE,
)
_ALSO: Final = re.compile(
    rf"[)\]}}\"'>]*\s*(?:,\s*(?:and|or)?|/|&|\bor\b|\band\b|\bund\b|\boder\b|\bou\b|\bet\b|或|和)\s*(?:option\s+)?"
    rf"{_LETTER}(?=[)\]}}\"'>]*\s*(?:[,.;:!?/&)]|\bor\b|\band\b|$))",
    re.IGNORECASE,
)
_BRACKETED: Final = re.compile(r"[(\[](?P<letter>[A-Z])[)\]]")
_ALONE: Final = re.compile(
    rf"\W*(?:(?:{_NOUN})\b\W*)?{_LETTER}[)\]}}\"'>]*\s*[.:,!;]*\W*", re.IGNORECASE
)
_LEADING: Final = re.compile(
    r"\s*[(\[]?(?P<letter>[A-Za-z])(?:[)\]][.:]?\s+|[.:]\s+|\s*[,\u2013\u2014-]+\s+"
    r"|\s+(?=(?:because|since|as|for|due)\b))\S"
)
_TITLE: Final = re.compile(r"(?<!\w)(?:mrs?|ms|dr|st|prof|no|nr|vs)\.$", re.IGNORECASE)
_LISTED: Final = re.compile(r"\A[(\[]?A[)\].:].*\s[(\[]?B[)\].:]", re.DOTALL)
"""The options over again."""
_HEADING: Final = re.compile(rf"(?im)^((?:\w+\s+){{0,2}}(?:{_NOUN})):?\n")
_DENIED_BEFORE: Final = re.compile(
    r"(?:\b(?:not|isn't|never|neither|nor|except|rather\s+than|instead\s+of|unlike|cannot\s+be"
    r"|can't\s+be|rul(?:e[sd]?|ing)\s+out|eliminat\w+|exclud\w+|than|nicht|pas|no\s+es|不是|не)\b"
    r"|\b(?:initially|originally|at\s+first|first|previously|if|whether|unless|suppose|had"
    r"|was\s+(?:going|about|tempted|inclined)\s+to)\b[^,.;]*)"
    r"(?:\s+(?:be|option|choice|the|answer|letter))*[\s:(\[\"']*$",
    re.IGNORECASE,
)
_DENIED_AFTER: Final = re.compile(
    r"[)\]\"']*\s*(?:(?:is|are|was|can|could)\s*(?:not|n't|wrong|incorrect|false|out\b|ruled\s+out"
    r"|eliminated|excluded)|isn't|can't|cannot|doesn't|does\s+not|=?\s*wrong|ist\s+falsch|错)\b",
    re.IGNORECASE,
)
_TAKEN_BACK: Final = re.compile(
    r"\W*(?:(?:oh|hm+|ah|but)\W+)?(?:wait|actually|no\b|nope|correction|sorry|scratch\s+that|on\s+second"
    r"|let\s+me\s+(?:re|correct)|i\s+mean|rather(?!\s+than)|hold\s+on|i\s+was\s+wrong|that(?:'s|\s+is)\s+wrong"
    r"|on\s+reflection|correcting|my\s+mistake|i\s+change|changing)",
    re.IGNORECASE,
)
_ENDED: Final = re.compile(
    r"[)\]}\"'>]*\s*(?:$|[.,;:!?)\]}>(=\u3002-]|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af])"
)
_GOES_ON: Final = re.compile(
    r"[)\]}\"'>]*\s+(?:because|since|as|which|is|for|with|at|in|due|given|and|or|by|based)\b", re.I
)


def read_choice(value: Any, question: Question) -> str | None:
    """The letter in a field that is made for it: alone, before its text, or that text itself.

    None where nothing is said. Raises ValueError for what names no option or more than one.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        value = ". ".join(str(part) for pair in value.items() for part in pair
                          if bare_name(str(part)) not in _KEYS | {"text"})  # fmt: skip
    said = normalise(_CONTROL.sub("", str("" if value is None else value)))
    if said.casefold() in NOTHING:
        return None
    named = _named(said, question)
    if len(named) == 1:
        return named.pop()
    raise ValueError(f'"choice" is {said!r:.40}; it must be one of {", ".join(question.letters)}')


def _named(said: str, question: Question) -> set[str]:
    """The options that a short text names by letter, by text, or by both."""
    pairs = zip(question.letters, question.options, strict=True)
    texts = {letter: bare for letter, option in pairs if (bare := _bare(option))}
    whole = _bare(said)
    same = {letter for letter, text in texts.items() if text == whole}
    if same and len(whole) > 1:
        return same
    found = _FIELD.fullmatch(said)
    letter = found["letter"].upper() if found else ""
    if found is None or letter not in question.letters:
        stated = parse_choice(said, question.letters)
        return {stated} | _inside(whole, texts) if stated else same
    rest = _bare(found["rest"] or "")
    if not rest or texts.get(letter) == rest:
        return {letter}
    if found["gap"].isspace() and (found["letter"].islower() or letter in "AI"):
        return set()
    also = set(re.findall(r"(?<!\w)[B-HJ-Z](?!\w)", found["rest"]))
    return {letter} | _inside(rest, texts) | also


def _inside(said: str, texts: Mapping[str, str]) -> set[str]:
    """Options whose text stands in `said`, and not only as a part of another's."""
    found = {letter: text for letter, text in texts.items() if f" {text} " in f" {said} "}
    return {letter for letter, text in found.items()
            if not any(text != other and text in other for other in found.values())}  # fmt: skip


_FIELD: Final = re.compile(
    rf"\W*(?:(?:{_NOUN})\b\W*)*{_LETTER}[)\]}}\"'>]*(?:(?P<gap>[\s.:,)=-]+)(?P<rest>.*))?",
    re.IGNORECASE | re.DOTALL,
)


def _bare(text: str) -> str:
    return " ".join(re.findall(r"[\w.%:/+-]*\w", normalise(text).casefold()))


def parse_choice(text: str, letters: str) -> str | None:
    """The option's letter that `text` gives as the answer, or None when it gives none or several.

    `letters` are the valid choices, such as `ABCD`.
    """
    given = _given(after_thoughts(text))
    letter = given.pop() if len(given) == 1 else ""
    return letter if letter and letter in letters else None


def _given(text: str, depth: int = 0) -> set[str]:
    """All letters that are stated, also such as no option has."""
    said = _tidy(text)
    if alone := _ALONE.fullmatch(said):
        return {alone["letter"].upper()}
    inner = list(_marked(text)) if depth < 3 else []
    if found := {letter for part in inner for letter in _given(part, depth + 1)}:
        return found
    if found := _stated(said):
        return found
    if _LISTED.match(said):
        return set()
    return _bracketed(said) or _at_an_end(said)


def _tidy(text: str) -> str:
    """Line by line in one form, without markup, links and control tokens."""
    bare = _CONTROL.sub("", _LATEX.sub(r"\1", _LINK.sub("", text)))
    said = "\n".join(filter(None, (normalise(line) for line in bare.splitlines())))
    return _HEADING.sub(r"\1: ", said)


def _marked(text: str) -> Iterator[str]:
    """What stands in a box, in tags, or in a field of JSON made for it."""
    for found in _BOXED.finditer(text):
        yield found[1]
    for found in _TAGGED.finditer(text):
        yield found[2]
    for part in json_parts(text) if "{" in text else []:
        if isinstance(part.value, dict):
            for name, value in part.value.items():
                if bare_name(name) in _KEYS:
                    yield value if isinstance(value, str) else json.dumps(value)


def _stated(said: str) -> set[str]:
    found: set[str] = set()
    for sentence in _TURNS.split(said):
        if back := _TAKEN_BACK.match(sentence):
            found.clear()
            if alone := _ALONE.fullmatch(sentence, back.end()):
                found.add(alone["letter"].upper())
        if sentence.endswith("?"):
            continue
        for match in (*_CUE.finditer(sentence), *_JUDGED.finditer(sentence)):
            if _is_letter(match) and not _denied(match):
                found.add(match["letter"].upper())
                end = match.end("letter")
                while also := _ALSO.match(sentence, end):
                    end = also.end("letter")
                    found |= set() if _denied(also) else {also["letter"].upper()}
    return found


def _bracketed(said: str) -> set[str]:
    return {match["letter"] for match in _BRACKETED.finditer(said) if not _denied(match)}


def _at_an_end(said: str) -> set[str]:
    """A letter that is the first line, or leads the text, or is the last sentence."""
    first, _, more = said.partition("\n")
    sentences = _STOPS.split(said)
    before = sentences[-2] if len(sentences) > 1 else ""
    if more and (alone := _ALONE.fullmatch(first)):
        return {alone["letter"].upper()}
    if leading := _LEADING.match(said):
        rest = _ALONE.fullmatch(said, leading.end() - 1)
        return set() if rest and rest["letter"].isupper() else {leading["letter"].upper()}
    # "Written by J. B." ends in an initial, "It is not B. C" in an answer.
    initial = re.search(r"(?<!\w)[A-Z]\.?$", before)
    denied = initial and _DENIED_BEFORE.search(before[: initial.start()])
    named = _TITLE.search(before) or (initial and not denied)
    if before and not named and (alone := _ALONE.fullmatch(sentences[-1])):
        return {alone["letter"].upper()}
    return set()


def _is_letter(match: re.Match[str]) -> bool:
    """A bare `a` after a cue is the article, and "letter B" may be one in a picture."""
    letter, text, (start, end) = match["letter"], match.string, match.span("letter")
    if match.end("letter") < match.end():
        return letter.isupper() or text[end] in ")]"
    marked = text[start - 1 : start] in tuple("([{\"'") and text[end : end + 1] in tuple(")]}\"'")
    cue = text[match.start() : start]
    if noun := _BARE_NOUN.search(cue):
        said = re.search(rf"(?<!\w)(?:{_COPULA}|with|for|answer|matche?s|say)(?!\w)", cue, re.I)
        if not said and (noun["noun"].lower() == "letter" or not _ENDED.match(text, end)):
            return False
    if marked or _ENDED.match(text, end):
        return True
    return letter.isupper() and (bool(_GOES_ON.match(text, end)) or letter not in "AI")


def _denied(match: re.Match[str]) -> bool:
    """Whether a denial stands right before the letter and its bracket, or right after."""
    text, (start, end) = match.string, match.span("letter")
    return bool(_DENIED_BEFORE.search(text[:start]) or _DENIED_AFTER.match(text, end))
