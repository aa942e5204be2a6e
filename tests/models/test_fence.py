"""No text from outside can act as a control token or leave its fence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.models.fence import RESERVED_LABELS, escape_special, fence

LISTED = """
<|im_start|> <|im_end|> <|endoftext|> <|vision_start|> <|image_pad|> <|video_pad|>
<|eot_id|> <|start_header_id|> <|python_tag|> <|user|> <|assistant|> <|tool|>
<|begin_of_box|> <tool_call> </tool_call> <tool_response> </tool_response> <tools>
</tools> <think> </think> <final> </final> <answer> </answer> <s> </s> <bos> <eos> <pad>
<unk> <image> <video> <start_of_turn> <end_of_turn> <image_soft_token> <<SYS>> <</SYS>>
<function=go> </function> <｜begin▁of▁sentence｜> <｜tool▁calls▁begin｜> <!-- <?xml [INST]
[/INST] [TOOL_CALLS] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [IMG]
[SYSTEM_PROMPT] [THINK] [/THINK]
"""
SPECIAL = LISTED.split()
PIECES = ["<", ">", "|", "｜", "/", "[", "]", "INST", "tool_call", "im_end", " ", "\n", "‹"]
nasty = st.lists(st.sampled_from([*SPECIAL, *PIECES]) | st.text(max_size=8)).map("".join)


@pytest.mark.parametrize("special", SPECIAL)
def test_every_known_special_string_is_broken(special):
    """It is gone, and what stands there still reads like it."""
    escaped = escape_special(f"a {special} b")
    assert special not in escaped
    assert escaped.translate(str.maketrans("‹›［", "<>[")) == f"a {special} b"


@given(nasty)
def test_nothing_special_survives(text):
    """However the pieces are joined, no special string comes out."""
    escaped = escape_special(text)
    assert not [special for special in SPECIAL if special in escaped]


@given(nasty)
def test_escaping_is_stable_and_keeps_its_length(text):
    """Escaping twice is escaping once, every character keeps its place, and UTF-8 can carry it."""
    escaped = escape_special(text)
    assert escape_special(escaped) == escaped
    assert len(escaped) == len(text)
    escaped.encode()


@given(nasty, nasty)
def test_escaped_texts_can_be_joined(left, right):
    """Two harmless texts make a harmless line, so that escaping piece by piece is enough."""
    joined = f"{escape_special(left)} {escape_special(right)}"
    assert not [special for special in SPECIAL if special in joined]


@pytest.mark.parametrize("text", ["a < b > c", "x<3", "1 << 2", "[1, 2]", "{'a': [3]}", "猫 → 狗"])
def test_ordinary_text_is_left_alone(text):
    """What no template could mistake stays as it is."""
    assert escape_special(text) == text


def test_control_characters_become_visible():
    """NUL and halves of surrogate pairs are replaced; line breaks and tabs stay."""
    assert escape_special("a\x00b\ud800c\n\td") == "a\ufffdb\ufffdc\n\td"


@given(nasty)
def test_a_fence_closes_once_at_its_end(text):
    """Nothing inside can close the fence or open another."""
    fenced = fence("on_screen", text)
    assert fenced.startswith("<on_screen>\n")
    assert fenced.endswith("\n</on_screen>")
    assert fenced.count("</on_screen>") == fenced.count("<on_screen>") == 1


@pytest.mark.parametrize("label", ["", "Tool", "a b", "a>", *sorted(RESERVED_LABELS)])
def test_a_label_that_could_confuse_is_refused(label):
    """Labels are plain words that no model gives a meaning of its own."""
    with pytest.raises(ValueError, match="label"):
        fence(label, "text")
