"""Which chat templates a policy may be trained with."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rl.stage import make_tokenizer
from videoseal.rl.episodes import chat_templates as templates
from videoseal.rl.episodes.chat_templates import (
    CHATML,
    TemplateRefused,
    chat_template_of,
    fingerprint,
)

START = [{"role": "system", "content": "rules"}, {"role": "user", "content": "why?"}]
RESULT = {"role": "user", "content": "<tool_response>\n{}\n</tool_response>"}
FORGETFUL = """\
{%- for message in messages %}
{%- set words = message.content %}
{%- if message.role == 'assistant' and not loop.last %}
{%- set words = words.split('</think>')[-1].lstrip() %}
{%- endif %}
{{- '<|im_start|>' + message.role + '\\n' + words + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
"""Drops thoughts at once."""
THOUGHTFUL = FORGETFUL.replace(
    "not loop.last",
    "(messages | rejectattr('role', 'ne', 'user') | list)[-1].content[:15] != '<tool_response>'",
)
"""Keeps thoughts between tool results, and drops them before any other user turn."""


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a template on the list."""

    def add(text: str) -> str:
        monkeypatch.setattr(templates, "_FAMILIES", {fingerprint(text): "tested"})
        return text

    return add


def test_our_own_template_appends(tokenizer: Any) -> None:
    """ChatML is taken; what follows a turn is the line end that the template puts after it."""
    template = chat_template_of(tokenizer)
    assert (template.family, template.end) == ("chatml", "<|im_end|>")
    assert template.end_id == tokenizer.eos_token_id
    opened = template.opening(START)
    assert opened.endswith("<|im_start|>user\nwhy?<|im_end|>\n<|im_start|>assistant\n")
    told = template.continuation([RESULT])
    assert told.startswith("\n<|im_start|>user\n<tool_response>")
    whole = [*START, {"role": "assistant", "content": "look"}, RESULT]
    assert template.opening(whole) == f"{opened}look<|im_end|>{told}"


def test_white_space_around_a_template_does_not_matter() -> None:
    """Files end with a line end and configs do not."""
    assert fingerprint(f"\n{CHATML}\n") == fingerprint(CHATML)


def test_an_unknown_template_is_refused_with_a_way_out() -> None:
    """Also one that would behave; the hint names the known families and our own template."""
    tokenizer = make_tokenizer(template=CHATML.replace("message in", "message  in"))
    with pytest.raises(TemplateRefused, match="none that is known") as caught:
        chat_template_of(tokenizer)
    assert "qwen3" in caught.value.hint
    assert "CHATML" in caught.value.hint


@pytest.mark.parametrize("template", [None, "", {"default": CHATML, "tool_use": CHATML}])
def test_no_single_template_is_refused(template: Any) -> None:
    """A tokenizer without one, or with several."""
    with pytest.raises(TemplateRefused, match="no single one"):
        chat_template_of(make_tokenizer(template=template))


def test_a_template_that_forgets_is_refused_although_it_is_known(known: Any) -> None:
    """The list is not believed: a probe is rendered whole and by parts."""
    with pytest.raises(TemplateRefused, match="rewrites"):
        chat_template_of(make_tokenizer(template=known(FORGETFUL)))


def test_thoughts_are_kept_between_tool_results(known: Any) -> None:
    """Qwen3's way is taken, and a plain user turn is still no more than an addition."""
    template = chat_template_of(make_tokenizer(template=known(THOUGHTFUL)))
    said = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nlook"}
    assert "hm" in template.opening([*START, said, RESULT])
    assert "hm" not in template.opening([*START, said, START[1]])
    assert template.continuation([START[1]]).startswith("\n<|im_start|>user\nwhy?")


@pytest.mark.parametrize(
    "altered", ["message.content | trim", "message.content | replace('&', '&amp;')"]
)
def test_a_template_that_alters_words_is_refused(known: Any, altered: str) -> None:
    """Stripped or escaped words are others than those that were sampled or shown."""
    text = known(CHATML.replace("message.content", f"({altered})"))
    with pytest.raises(TemplateRefused, match=r"alters|rewrites"):
        chat_template_of(make_tokenizer(template=text))


def test_an_end_of_turn_that_does_not_stop_the_policy_is_refused() -> None:
    """Base models end texts otherwise than their template ends turns; the hint says what to set."""
    with pytest.raises(TemplateRefused, match="would not stop") as caught:
        chat_template_of(make_tokenizer(eos="<|endoftext|>"))
    assert "<|im_end|>" in caught.value.hint


def test_an_end_that_is_no_token_is_refused(known: Any) -> None:
    """A turn must end with one token that can be put where a turn was cut off."""
    text = known(CHATML.replace("<|im_end|>", "<END OF TURN>"))
    with pytest.raises(TemplateRefused, match="no single token"):
        chat_template_of(make_tokenizer(template=text))
