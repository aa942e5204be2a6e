"""Chat templates that only ever append, and those that are refused.

A policy is trained on the tokens that it was shown and that it sampled. That holds only where each
prompt is the one before it, what was sampled, and something at the end. Many templates rewrite the
past (they drop earlier thoughts, or add text that depends on the last turn), so only those that are
known to append are taken, each by the SHA-256 of its text and by what it then does with a probe.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from videoseal.core.errors import VideosealError

__all__ = ["CHATML", "ChatTemplate", "TemplateRefused", "Tokenizer", "Turn", "chat_template_of",
           "fingerprint"]  # fmt: skip

CHATML: Final = """\
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}"""
"""A template for policies that we make: every turn as it is, nothing added and nothing dropped."""

_FAMILIES: Final[Mapping[str, str]] = {
    hashlib.sha256(CHATML.encode()).hexdigest(): "chatml",
    "153280e3ff55d19da1398bdb3914ee2a51b80429bfaedde11d7d216c39db80f3": "chatml",
    "fcf7a096fe99a48fd9ad2b250bf9237e96e8f48bffec1c7ea4d3f225176cd40e": "chatml",
    "d7b5b8c7b58f7a6bf868aa46a5f73ee976d7292f40fcb9c3e7a1defd8d235cfb": "chatml",
    "872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788": "smollm2",
    "55b2f4a26ac9ee719330a61a0c39d9e538b0e9322212f048326318cff4f8674a": "qwen2.5",
    "87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5": "qwen3",
    "a55ee1b1660128b7098723e0abcd92caa0788061051c62d51cbe87d9cf1974d8": "qwen3",
    "64f85b198065d0fba2a81f37e10ed68161ce2c19a754c7100e67e0ca2ee9c326": "qwen3-2507",
}
"""Family by fingerprint. Qwen3 drops the thoughts that precede a user turn that is no tool result;
what was sampled stands in the transcript as it was sampled, so such a turn only appends too."""

_MARK: Final = "\u2e28turn\u2e29"
"""Stands for what a policy says where only what follows it matters."""
_HINT: Final = (
    "train a model of the families {families}, or give the model's folder our own ChatML template "
    "(rl.episodes.chat_templates.CHATML) where the model knows <|im_start|> and <|im_end|>"
)

Turn = Mapping[str, str]
"""`role` (system, user or assistant) and `content`."""


class TemplateRefused(VideosealError):
    """The tokenizer's chat template is not known to append only."""

    exit_code = 2


class Tokenizer(Protocol):
    """What is used of a Hugging Face tokenizer."""

    chat_template: Any
    eos_token: Any
    eos_token_id: Any
    all_special_tokens: list[str]

    @property
    def added_tokens_decoder(self) -> Mapping[int, Any]:
        """Added tokens by id, each with `content` and `normalized`."""

    def __call__(self, text: str, *, add_special_tokens: bool) -> Mapping[str, Any]:
        """`input_ids` of a text."""

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> Any:
        """The text of some tokens."""

    def apply_chat_template(
        self, conversation: Any, *, tokenize: bool, add_generation_prompt: bool
    ) -> Any:
        """A conversation as text."""


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A template that appends, as two texts: how a conversation opens, and how it goes on."""

    tokenizer: Tokenizer
    family: str
    end: str
    """The token that ends a turn, such as `<|im_end|>`."""
    end_id: int

    def opening(self, turns: Sequence[Turn]) -> str:
        """A whole conversation up to where the policy speaks."""
        return _render(self.tokenizer, turns)

    def continuation(self, turns: Sequence[Turn]) -> str:
        """What follows the end of the policy's turn when others then said `turns`.

        It begins with whatever the template puts after that end, and goes up to where the policy
        speaks again. Raises TemplateRefused when the template ends turns otherwise now.
        """
        after = _after_turn(self.tokenizer, turns)
        if not after.startswith(self.end):
            raise _refused("it does not end every turn alike")
        return after[len(self.end) :]


def chat_template_of(tokenizer: Tokenizer) -> ChatTemplate:
    """The tokenizer's template; raises TemplateRefused unless it is known and appends."""
    text = tokenizer.chat_template
    if not isinstance(text, str) or not text:
        raise _refused("the tokenizer has no single one")
    family = _FAMILIES.get(fingerprint(text))
    if family is None:
        raise _refused(f"its text (SHA-256 {fingerprint(text)[:12]}...) is none that is known")
    after = _after_turn(tokenizer, [])
    ends = {added.content: index for index, added in tokenizer.added_tokens_decoder.items()}
    end = next((word for word in sorted(ends, key=len)[::-1] if after.startswith(word)), None)
    if end is None:
        raise _refused("what it ends a turn with is no single token of this tokenizer")
    if ends[end] != tokenizer.eos_token_id:
        raise TemplateRefused(
            f"the chat template ends a turn with {end}, but the tokenizer's eos_token is "
            f"{tokenizer.eos_token}: the policy would not stop there",
            hint=f"set eos_token to {end} in the model's tokenizer_config.json, and eos_token_id "
            f"to {ends[end]} in its generation_config.json",
        )
    template = ChatTemplate(tokenizer, family, end, ends[end])
    _probe(template)
    return template


def fingerprint(text: str) -> str:
    """SHA-256 of a template's text, white space around it left out, hexadecimal."""
    return hashlib.sha256(text.strip().encode()).hexdigest()


def _probe(template: ChatTemplate) -> None:
    """Render two conversations whole and by parts; raises TemplateRefused if they differ."""
    start = [_turn("system", "Rules: a < b & {{ c }}"), _turn("user", " Question?\n")]
    for thought in ("", "<think>\nwhere?\n</think>\n\n"):
        said = [f'{thought}<tool_call>\n{{"name": "t{n}"}}\n</tool_call> \n' for n in range(2)]
        told = [
            _turn("user", f"<tool_response>\n{{{n} <i>&amp;}} \n</tool_response>") for n in range(2)
        ]
        whole = list(start)
        parts = template.opening(start)
        for words, reply in zip(said, told, strict=True):
            whole += [_turn("assistant", words), reply]
            parts += words + template.end + template.continuation([reply])
        if template.opening(whole) != parts:
            raise _refused("it rewrites what was said before")
        if not all(turn["content"] in parts for turn in whole):
            raise _refused("it alters what is said")


def _after_turn(tokenizer: Tokenizer, turns: Sequence[Turn]) -> str:
    base = [_turn("system", "s"), _turn("user", "u"), _turn("assistant", _MARK)]
    _, mark, after = _render(tokenizer, [*base, *turns]).partition(_MARK)
    if not mark:
        raise _refused("it leaves out what the policy says")
    return after


def _render(tokenizer: Tokenizer, turns: Sequence[Turn]) -> str:
    found = tokenizer.apply_chat_template(
        [dict(turn) for turn in turns], tokenize=False, add_generation_prompt=True
    )
    assert isinstance(found, str)
    return found


def _turn(role: str, content: str) -> Turn:
    return {"role": role, "content": content}


def _refused(why: str) -> TemplateRefused:
    families = ", ".join(sorted(set(_FAMILIES.values())))
    return TemplateRefused(
        f"rollouts cannot use this chat template: {why}", hint=_HINT.format(families=families)
    )
