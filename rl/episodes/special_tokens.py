"""Control tokens of a tokenizer, kept out of text that others wrote.

`models.fence` makes harmless what any chat model may give a meaning. A tokenizer may hold
more: whatever string it turns into a token of its own kind is broken up here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from videoseal.rl.episodes.chat_templates import Tokenizer

__all__ = ["ControlTokens", "Escaped"]

_ALIKE: Final = {"<": "‹", "[": "［", "{": "｛", "\ufffd": ""}
_UNKNOWN: Final = "\ufffd"
_ROUNDS: Final = 100


class Escaped(NamedTuple):
    """A text without control tokens, and how many strings were broken up for that."""

    text: str
    changes: int


class ControlTokens:
    """The tokens that a tokenizer holds beside its vocabulary of words.

    Tokens of white space alone are left out: they mean nothing to a chat template.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        added = {index: token for index, token in tokenizer.added_tokens_decoder.items()
                 if token.content.strip()}  # fmt: skip
        self._tokenizer = tokenizer
        self._all = _any_of([token.content for token in added.values()])
        self._special = _any_of(tokenizer.all_special_tokens)
        self.ids: frozenset[int] = frozenset(added)
        """Ids that must not come from text that others wrote."""
        # Such tokens are also found in spellings that the tokenizer takes for the same.
        self._loose = any(getattr(token, "normalized", False) for token in added.values())

    def escape(self, text: str) -> Escaped:
        """Break up every string that would become a control token."""
        text, changes = _break(self._all, text)
        if self._loose:
            text, more = self._break_loose(text)
            changes += more
        return Escaped(text, changes)

    def escape_special(self, text: str) -> str:
        """The same for tokens marked as special only: what a policy wrote may hold the others."""
        return _break(self._special, text).text

    def _break_loose(self, text: str) -> Escaped:
        changes = 0
        for _ in range(_ROUNDS):
            starts = self._arisen(text)
            if not starts:
                return Escaped(text, changes)
            changes += len(starts)
            letters = list(text)
            for start in starts:
                letters[start] = "" if letters[start] == _UNKNOWN else _UNKNOWN
            text = "".join(letters)
        return Escaped("", changes)

    def _arisen(self, text: str) -> list[int]:
        """Where control tokens begin in a text."""
        tokenize: Any = self._tokenizer
        found = tokenize(text, add_special_tokens=False, return_offsets_mapping=True)
        pairs = zip(found["input_ids"], found["offset_mapping"], strict=True)
        starts = {start for index, (start, end) in pairs if index in self.ids and start < end}
        # A token may take the white space before it along.
        return [next((at for at in range(start, len(text)) if text[at].strip()), start)
                for start in sorted(starts)]  # fmt: skip


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted({word for word in words if word.strip()}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _break(pattern: re.Pattern[str], text: str) -> Escaped:
    """Replace the first character of every match, until none is left."""
    changes = 0
    while True:
        text, found = pattern.subn(_without_start, text)
        if not found:
            return Escaped(text, changes)
        changes += found


def _without_start(match: re.Match[str]) -> str:
    word = match.group()
    return _ALIKE.get(word[0], _UNKNOWN) + word[1:]
