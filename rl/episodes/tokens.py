"""The tokens of one episode: what a policy was shown and what it sampled, exactly.

Sampled tokens are kept as they were sampled and sent again as they are: decoding and encoding them
anew gives other tokens now and then, and a loss on tokens that nobody sampled. What others say in
between is encoded as the difference that it makes to the rendered conversation. Those tokens, and
the end of a turn that was cut off, carry no loss and no log-probability.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from videoseal.core.errors import VideosealError
from videoseal.models.tool_text import as_text_messages
from videoseal.rl.episodes.chat_templates import Tokenizer, Turn, chat_template_of

__all__ = ["TURN", "ContextFull", "ControlTokens", "Escaped", "TokenSegment", "Transcript",
           "TranscriptError"]  # fmt: skip

TURN: Final = "transcript_turn"
"""Key in `AIMessage.response_metadata` of the mark that `Transcript.said` gives; graphs rename
messages, but leave that alone."""

_ALIKE: Final = {"<": "‹", "[": "［", "{": "｛", "\ufffd": ""}
_UNKNOWN: Final = "\ufffd"
_ROUNDS: Final = 100


class ContextFull(VideosealError):
    """The conversation leaves no room for another token of the policy."""


class TranscriptError(VideosealError):
    """A transcript breaks its own rules; nothing may be trained on it."""


@dataclass(slots=True)
class TokenSegment:
    """One stretch of conversation that only grew at its end."""

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    """As sampled, one a token; 0 for tokens that were not."""
    ranges: list[tuple[int, int]] = field(default_factory=list)
    """Half-open ranges of `ids` that were sampled, one a turn, ascending."""
    finish: str = "stop"
    """How the last turn ended: `stop`, or `length` where it was cut off."""


class _Asked(NamedTuple):
    """A prompt that waits for the policy's turn."""

    fresh: bool
    """Whether it begins a segment."""
    added: list[int]
    cut_off: bool
    """Whether it starts with the end of a turn that lacked one."""
    escaped: int
    keys: list[str]


class Transcript:
    """An append-only record of one policy in one episode.

    Messages are known again by their ids, not by what they say: a history that is another one than
    was recorded begins a new segment.
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, *, brief: bool = False) -> None:
        """`max_tokens` is for the longest segment; raises TemplateRefused.

        `brief`: the policy reads the short rules, as planners of that tool call format do.
        """
        self.segments: list[TokenSegment] = []
        self.inserted = 0
        """Ends of turns that were put where a turn had none."""
        self.escaped = 0
        """Strings of others that would have become control tokens."""
        self._tokenizer = tokenizer
        self._brief = brief
        self._template = chat_template_of(tokenizer)
        self._control = ControlTokens(tokenizer)
        self._max_tokens = max_tokens
        self._seen: list[str] = []
        self._asked: _Asked | None = None

    @property
    def end_id(self) -> int:
        """The token that ends a turn."""
        return self._template.end_id

    @property
    def room(self) -> int:
        """Tokens that the policy may say in answer to the last prompt."""
        segment, asked = self._current()
        return self._max_tokens - len(segment.ids) - len(asked.added)

    @property
    def sampled(self) -> int:
        """Tokens that were sampled, in all segments."""
        return sum(end - start for segment in self.segments for start, end in segment.ranges)

    def prompt(
        self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]] = ()
    ) -> list[int]:
        """The tokens to send for a conversation; raises ContextFull when nothing could follow.

        Nothing is recorded before `said`, so that a request may be repeated.
        """
        keys = [_key(message, tools) for message in messages]
        known = len(self._seen)
        new = messages[known:]
        extends = bool(self.segments) and keys[:known] == self._seen
        if extends and not any(isinstance(message, AIMessage) for message in new):
            self._asked = self._further(new, keys)
        else:
            turns, escaped = self._turns(messages, tools)
            ids = self._encode(self._template.opening(turns))
            self._asked = _Asked(True, ids, False, escaped, keys)
        if self.room < 1:
            raise ContextFull(
                f"the conversation fills the {self._max_tokens} tokens of its context"
            )
        segment, asked = self._current()
        return segment.ids + asked.added

    def said(self, ids: Sequence[int], logprobs: Sequence[float] | None, finish: str) -> str:
        """Record what was sampled in answer to the last prompt; returns the turn's mark.

        The mark belongs under TURN into the message's `response_metadata`. Without `logprobs` they
        are 0. Raises TranscriptError for an empty turn, or log-probs of another length.
        """
        segment, asked = self._current()
        if not ids or (logprobs is not None and len(logprobs) != len(ids)):
            told = "none" if logprobs is None else len(logprobs)
            raise TranscriptError(f"the engine gave {len(ids)} tokens with {told} log-probs")
        if asked.fresh:
            self.segments.append(segment)
        start = len(segment.ids) + len(asked.added)
        segment.ids += [*asked.added, *ids]
        segment.logprobs += [0.0] * len(asked.added)
        segment.logprobs += [0.0] * len(ids) if logprobs is None else logprobs
        segment.ranges.append((start, start + len(ids)))
        segment.finish = finish
        self.inserted += asked.cut_off
        self.escaped += asked.escaped
        self._asked = None
        mark = uuid4().hex
        self._seen = [*asked.keys, mark]
        return mark

    def text(self, ids: Sequence[int]) -> str:
        """What sampled tokens say, without the end of the turn."""
        words = ids[:-1] if ids and ids[-1] == self._template.end_id else ids
        return str(self._tokenizer.decode(words, skip_special_tokens=False))

    def validate(self) -> None:
        """Raise TranscriptError unless every segment keeps the rules of its fields."""
        for segment in self.segments:
            where = 0
            for start, end in segment.ranges:
                if not where <= start < end:
                    raise TranscriptError(f"the range {start}-{end} is empty or out of order")
                if any(segment.logprobs[where:start]):
                    raise TranscriptError(f"log-probs before {start} belong to no sampled token")
                where = end
            if where != len(segment.ids) or len(segment.ids) != len(segment.logprobs):
                raise TranscriptError("a segment does not end with what was sampled last")
            if len(segment.ids) > self._max_tokens:
                raise TranscriptError(f"{len(segment.ids)} tokens exceed the context")

    def _further(self, new: Sequence[BaseMessage], keys: list[str]) -> _Asked:
        """The prompt that goes on from the last turn."""
        cut_off = self.segments[-1].ids[-1] != self._template.end_id
        turns, escaped = self._turns(new, ())
        added = [self._template.end_id] if cut_off else []
        added += self._encode(self._template.continuation(turns))
        return _Asked(False, added, cut_off, escaped, keys)

    def _turns(
        self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]
    ) -> tuple[list[Turn], int]:
        """Messages as the template takes them, what others wrote made harmless."""
        escaped = 0
        harmless: list[BaseMessage] = []
        for message in messages:
            if isinstance(message, HumanMessage | ToolMessage):
                text, changes = self._control.escape(message.text)
                escaped += changes
                harmless.append(message.model_copy(update={"content": text}))
            elif isinstance(message, AIMessage):
                text = self._control.escape_special(message.text)
                harmless.append(message.model_copy(update={"content": text}))
            else:
                harmless.append(message)
        plain = as_text_messages(harmless, tools, brief=self._brief)
        return [{"role": _role(m), "content": str(m.text)} for m in plain], escaped

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _current(self) -> tuple[TokenSegment, _Asked]:
        """The segment that the waiting prompt belongs to, which may be one to come."""
        assert self._asked is not None, "there is no prompt that waits for a turn"
        return (TokenSegment() if self._asked.fresh else self.segments[-1]), self._asked


def _key(message: BaseMessage, tools: Sequence[Mapping[str, Any]]) -> str:
    """What a message is known by; those that a graph makes anew each turn, by what they say."""
    if isinstance(message, AIMessage):
        return str(message.response_metadata.get(TURN) or message.id or id(message))
    if isinstance(message, SystemMessage):
        return f"system {json.dumps(tools, sort_keys=True)} {message.text}"
    return message.id or f"{message.type} {message.text}"


def _role(message: BaseMessage) -> str:
    if isinstance(message, AIMessage):
        return "assistant"
    return "system" if isinstance(message, SystemMessage) else "user"


class Escaped(NamedTuple):
    """A text without control tokens, and how many strings were broken up for that."""

    text: str
    changes: int


class ControlTokens:
    """The tokens that a tokenizer holds beside its vocabulary of words, kept out of others' text.

    `models.fence` makes harmless what any chat model may give a meaning. A tokenizer may hold more.
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
